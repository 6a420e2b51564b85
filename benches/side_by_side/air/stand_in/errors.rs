//! What an application's refusal is to a central.

use dbus::Message;

use super::super::AttError;

/// Its name and its text, or nothing when it is none.
pub(super) fn error_of(mut answer: Message) -> (String, String) {
    let problem = answer.as_result().err();
    let problem = problem.map(|it| {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        (text(it.name()), text(it.message()))
    });
    problem.unwrap_or_default()
}

/// As bluetoothd has it (`dbus_error_to_att_ecode` in src/gatt-database.c, 5.66).
pub(super) fn att_error(name: &str, text: &str, not_permitted: AttError) -> AttError {
    let Some(kind) = name.strip_prefix("org.bluez.Error.") else {
        return AttError::UNLIKELY;
    };
    match kind {
        "Failed" => match number(text) {
            Some(code @ 0x80..=0x9F) => AttError(code),
            Some(_) => AttError::UNLIKELY,
            None => AttError(0x80),
        },
        "NotSupported" => AttError::REQUEST_NOT_SUPPORTED,
        "NotAuthorized" => AttError::INSUFFICIENT_AUTHORIZATION,
        "InvalidValueLength" => AttError::INVALID_ATTRIBUTE_VALUE_LENGTH,
        "InvalidOffset" => AttError::INVALID_OFFSET,
        "InProgress" => AttError::PROCEDURE_IN_PROGRESS,
        "NotPermitted" => not_permitted,
        _ => AttError::UNLIKELY,
    }
}

/// As C's `strtol` with any base: an empty text is 0, and a number that is too large is not what is meant.
fn number(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    let number = match digits {
        Some(digits) => u32::from_str_radix(digits, 16),
        None if text.is_empty() => Ok(0),
        None if text.starts_with('0') => u32::from_str_radix(text, 8),
        None => text.parse(),
    };
    number.ok().map(|it| u8::try_from(it).unwrap_or(0))
}
