//! The names of ATT errors, as a person writes and reads them.

/// Core Spec 5.4, Vol 3, Part F, 3.4.1.1, and Supplement 11, Part B, 1.2. The names are those of the
/// specification, but for 0x80 and 0x81: those are ours
/// ([`AttError`](crate::gatt::AttError)).
const NAMES: &[(u8, &str)] = &[
    (0x01, "invalid_handle"),
    (0x02, "read_not_permitted"),
    (0x03, "write_not_permitted"),
    (0x04, "invalid_pdu"),
    (0x05, "insufficient_authentication"),
    (0x06, "request_not_supported"),
    (0x07, "invalid_offset"),
    (0x08, "insufficient_authorization"),
    (0x09, "prepare_queue_full"),
    (0x0A, "attribute_not_found"),
    (0x0B, "attribute_not_long"),
    (0x0C, "encryption_key_size_too_short"),
    (0x0D, "invalid_attribute_value_length"),
    (0x0E, "unlikely_error"),
    (0x0F, "insufficient_encryption"),
    (0x10, "unsupported_group_type"),
    (0x11, "insufficient_resources"),
    (0x12, "database_out_of_sync"),
    (0x13, "value_not_allowed"),
    (0x80, "refused"),
    (0x81, "not_kept"),
    (0xFC, "write_request_rejected"),
    (0xFD, "cccd_improperly_configured"),
    (0xFE, "procedure_already_in_progress"),
    (0xFF, "out_of_range"),
];

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(_, name)| *name)
}

pub(super) fn code_of(name: &str) -> Option<u8> {
    let found = NAMES.iter().find(|(_, known)| *known == name);
    found.map(|(code, _)| *code)
}

/// `ATT error 0x0D (invalid_attribute_value_length)`.
pub(super) fn describe(code: u8) -> String {
    match NAMES.iter().find(|(known, _)| *known == code) {
        Some((_, name)) => format!("ATT error 0x{code:02X} ({name})"),
        None => format!("ATT error 0x{code:02X}"),
    }
}
