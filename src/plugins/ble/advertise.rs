//! The advertisement: as much of it as the adapter takes.

use std::time::Duration;

use tracing::warn;

use super::objects::Objects;
use super::tree::{Properties, Property};
use crate::gatt::advertising::Advertisement;

/// Advertises; when everything is refused, less and less, and says what is left out.
///
/// # Errors
/// When not even the least is taken.
pub(super) async fn advertise(
    objects: &Objects,
    adapter: &str,
    whole: &Advertisement,
) -> Result<(), dbus::Error> {
    let mut refusal = None;
    for content in contents(whole) {
        let problem = match objects
            .register_advertisement(adapter, properties(&content))
            .await
        {
            Ok(()) => {
                if let Some(refusal) = refusal {
                    let missing = lacks(&content, whole);
                    warn!("the advertisement does not fit ({refusal}); left out: {missing}");
                }
                return Ok(());
            }
            Err(problem) => problem,
        };
        // No smaller one helps when the adapter is not there, or others have taken all its room.
        if !is_about_content(&problem) {
            return Err(problem);
        }
        refusal.get_or_insert(problem);
    }
    Err(refusal.expect("there is always something to advertise, and it was refused"))
}

/// From everything to little: the name with fewer and fewer UUIDs, the long ones going first; and
/// last the UUIDs alone, for a name that is too long. Data is never left out: it has been declared to
/// be heard, and fits.
fn contents(whole: &Advertisement) -> Vec<Advertisement> {
    let mut contents: Vec<_> = (0..=whole.services.len())
        .rev()
        .map(|count| Advertisement {
            services: whole.services[..count].to_vec(),
            ..whole.clone()
        })
        .collect();
    if !whole.services.is_empty() && whole.name.is_some() {
        contents.push(Advertisement {
            name: None,
            ..whole.clone()
        });
    }
    contents
}

fn is_about_content(problem: &dbus::Error) -> bool {
    let kinds = ["InvalidLength", "InvalidArguments", "Failed"];
    let kind = problem
        .name()
        .and_then(|name| name.strip_prefix("org.bluez.Error."));
    kind.is_some_and(|kind| kinds.contains(&kind))
}

/// As `org.bluez.LEAdvertisement1` has them. BlueZ before 5.78 and Linux before 5.11 pass over
/// the intervals.
fn properties(content: &Advertisement) -> Properties {
    let uuids = content.services.iter().map(|uuid| uuid.0.to_string());
    let mut properties = vec![
        ("Type", Property::Text("peripheral".to_owned())),
        ("Discoverable", Property::Flag(true)),
        ("ServiceUUIDs", Property::Texts(uuids.collect())),
    ];
    if let Some(name) = &content.name {
        properties.push(("LocalName", Property::Text(name.clone())));
    }
    if !content.service_data.is_empty() {
        let data = content.service_data.iter();
        let data = data.map(|(uuid, data)| (uuid.0.to_string(), data.clone()));
        properties.push(("ServiceData", Property::DataByText(data.collect())));
    }
    if !content.manufacturer_data.is_empty() {
        let data = content.manufacturer_data.clone();
        properties.push(("ManufacturerData", Property::DataByNumber(data)));
    }
    if let Some((least, most)) = content.interval {
        // No interval that is declared is longer than 10,240 ms.
        let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        properties.push(("MinInterval", Property::WideNumber(ms(least))));
        properties.push(("MaxInterval", Property::WideNumber(ms(most))));
    }
    if let Some(timeout) = content.timeout {
        let seconds = u16::try_from(timeout.as_secs()).unwrap_or(u16::MAX);
        properties.push(("Timeout", Property::Number(seconds)));
    }
    properties
}

/// What `whole` has beyond `content`, in words.
fn lacks(content: &Advertisement, whole: &Advertisement) -> String {
    let services = whole
        .services
        .iter()
        .filter(|uuid| !content.services.contains(uuid))
        .map(|uuid| format!("service {uuid}"));
    let name = whole.name.iter().filter(|_| content.name.is_none());
    let name = name.map(|name| format!("the name {name:?}"));
    name.chain(services).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_goes_the_longest_first_and_is_named() {
        let long = "7a4bbfe6-999f-4717-b63a-066e06971f59";
        let whole = Advertisement {
            name: Some("Name".to_owned()),
            services: ["180F", long]
                .map(|it| it.parse().expect("a UUID"))
                .to_vec(),
            ..Advertisement::default()
        };
        let said: Vec<_> = contents(&whole)
            .iter()
            .map(|it| lacks(it, &whole))
            .collect();
        let long = format!("service {long}");
        assert_eq!(said[0], "");
        assert_eq!(said[1], long);
        assert_eq!(said[2], format!("service 0x180F, {long}"));
        assert_eq!(said[3], "the name \"Name\"");
        assert_eq!(said.len(), 4);
    }
}
