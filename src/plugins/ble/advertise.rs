//! The advertisement: as much of it as the adapter takes.

use tracing::warn;

use super::objects::Objects;
use super::tree::{Properties, Property};
use crate::gatt::Service;
use crate::gatt::assigned::BtUuid;

/// What an advertisement says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    name: Option<String>,
    services: Vec<BtUuid>,
}

/// Advertises; when everything is refused, less and less, and says what is left out.
///
/// # Errors
/// When not even the least is taken.
pub(super) async fn advertise(
    objects: &Objects,
    adapter: &str,
    device_name: &str,
    services: &[Service],
) -> Result<(), dbus::Error> {
    let contents = contents(device_name, services);
    let whole = contents[0].clone();
    let mut refusal = None;
    for content in contents {
        let problem = match objects
            .register_advertisement(adapter, content.properties())
            .await
        {
            Ok(()) => {
                if let Some(refusal) = refusal {
                    let missing = content.lacks(&whole);
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
/// last the UUIDs alone, for a name that is too long.
fn contents(device_name: &str, services: &[Service]) -> Vec<Content> {
    let advertised = services.iter().filter(|service| service.advertise);
    let mut uuids: Vec<BtUuid> = advertised.map(|service| service.uuid).collect();
    uuids.sort_by_key(|uuid| uuid.as_short().map_or(u32::MAX, |short| short.max(0xFFFF)));
    uuids.dedup();
    let mut contents: Vec<_> = (0..=uuids.len())
        .rev()
        .map(|count| Content {
            name: Some(device_name.to_owned()),
            services: uuids[..count].to_vec(),
        })
        .collect();
    if !uuids.is_empty() {
        contents.push(Content {
            name: None,
            services: uuids,
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

impl Content {
    fn properties(&self) -> Properties {
        let uuids = self.services.iter().map(|uuid| uuid.0.to_string());
        let mut properties = vec![
            ("Type", Property::Text("peripheral".to_owned())),
            ("Discoverable", Property::Flag(true)),
            ("ServiceUUIDs", Property::Texts(uuids.collect())),
        ];
        if let Some(name) = &self.name {
            properties.push(("LocalName", Property::Text(name.clone())));
        }
        properties
    }

    /// What `whole` has beyond this, in words.
    fn lacks(&self, whole: &Self) -> String {
        let services = whole
            .services
            .iter()
            .filter(|uuid| !self.services.contains(uuid))
            .map(|uuid| format!("service {uuid}"));
        let name = whole.name.iter().filter(|_| self.name.is_none());
        let name = name.map(|name| format!("the name {name:?}"));
        name.chain(services).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(uuid: &str, advertise: bool) -> Service {
        Service {
            name: String::new(),
            uuid: uuid.parse().expect("a UUID"),
            advertise,
            characteristics: Vec::new(),
        }
    }

    #[test]
    fn what_does_not_fit_goes_the_longest_first_and_is_named() {
        let services = [
            service("7a4bbfe6-999f-4717-b63a-066e06971f59", true),
            service("180F", true),
            service("180A", false),
        ];
        let contents = contents("Name", &services);
        let said: Vec<_> = contents.iter().map(|it| it.lacks(&contents[0])).collect();
        let long = "service 7a4bbfe6-999f-4717-b63a-066e06971f59";
        assert_eq!(said[0], "");
        assert_eq!(said[1], long);
        assert_eq!(said[2], format!("service 0x180F, {long}"));
        assert_eq!(said[3], "the name \"Name\"");
        assert_eq!(said.len(), 4);
    }
}
