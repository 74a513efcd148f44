//! A boot configuration store as a hive, both ways.

use super::{BootObject, BootStore, Element, ElementValue, Guid, device};
use crate::bytes::{to_utf16le, utf16le};
use crate::hive::{ADMINISTRATORS_AND_SYSTEM, Hive, HiveError, KeyId, Value, Version};
use crate::time::Timestamp;

const REG_SZ: u32 = 1;
const REG_BINARY: u32 = 3;
const REG_DWORD: u32 = 4;
const REG_MULTI_SZ: u32 = 7;

/// Makes a store: a hive of version 1.3, as Windows makes them, whose keys Administrators and SYSTEM own.
/// (The boot manager refuses keys without a security descriptor with 0xc000014c.)
///
/// # Errors
/// [`HiveError`] for names or values the format cannot hold.
pub fn build(description: &BootStore, time: Timestamp) -> Result<Vec<u8>, HiveError> {
    let mut hive = Hive::create(Version::V1_3, &description.root_name, &ADMINISTRATORS_AND_SYSTEM, time)?;
    let key = hive.create_key("Description", time)?;
    hive.set_value(key, "KeyName", REG_SZ, &terminated(&description.key_name), time)?;
    if description.system {
        hive.set_value(key, "System", REG_DWORD, &1u32.to_le_bytes(), time)?;
        hive.set_value(key, "TreatAsSystem", REG_DWORD, &1u32.to_le_bytes(), time)?;
    }
    hive.create_key("Objects", time)?;
    for object in &description.objects {
        let path = format!("Objects\\{}", object.id);
        let key = hive.create_key(&format!("{path}\\Description"), time)?;
        hive.set_value(key, "Type", REG_DWORD, &object.kind.to_le_bytes(), time)?;
        hive.create_key(&format!("{path}\\Elements"), time)?;
        for element in &object.elements {
            let (kind, data) = encode(&element.value)?;
            let key = hive.create_key(&format!("{path}\\Elements\\{:08x}", element.number), time)?;
            hive.set_value(key, "Element", kind, &data, time)?;
        }
    }
    Ok(hive.into_bytes())
}

/// Reads a store.
///
/// # Errors
/// [`HiveError::Missing`] for a hive that is not a store, [`HiveError::Element`] for a value that is not what its
/// number says, and others for a hive that is not sound.
pub fn read(bytes: Vec<u8>) -> Result<BootStore, HiveError> {
    let hive = Hive::open(bytes)?;
    let description = required(&hive, "Description")?;
    let key_name = match hive.value(description, "KeyName")? {
        Some(value) => text(&value.data),
        None => String::new(),
    };
    let system = hive.value(description, "System")?.is_some_and(|value| value.data.first() == Some(&1));
    let mut objects = Vec::new();
    for (name, key) in hive.subkeys(required(&hive, "Objects")?)? {
        let path = format!("Objects\\{name}");
        let id = Guid::parse(&name).ok_or_else(|| HiveError::Element {
            path: path.clone(),
            problem: "the name is not an identifier",
        })?;
        objects.push(object(&hive, id, key, &path)?);
    }
    Ok(BootStore { root_name: hive.key(hive.root())?.name, key_name, system, objects })
}

fn object(hive: &Hive, id: Guid, key: KeyId, path: &str) -> Result<BootObject, HiveError> {
    let (mut kind, mut elements) = (None, Vec::new());
    for (name, key) in hive.subkeys(key)? {
        if name.eq_ignore_ascii_case("Description") {
            let value = hive.value(key, "Type")?;
            kind = value.and_then(|value| value.data.try_into().ok()).map(u32::from_le_bytes);
        } else if name.eq_ignore_ascii_case("Elements") {
            for (name, key) in hive.subkeys(key)? {
                elements.push(element(hive, &name, key, &format!("{path}\\Elements\\{name}"))?);
            }
        }
    }
    let kind = kind.ok_or_else(|| HiveError::Element {
        path: format!("{path}\\Description"),
        problem: "there is no type of 4 bytes",
    })?;
    Ok(BootObject { id, kind, elements })
}

fn element(hive: &Hive, name: &str, key: KeyId, path: &str) -> Result<Element, HiveError> {
    let problem = |problem| HiveError::Element { path: path.to_owned(), problem };
    let number = u32::from_str_radix(name, 16).map_err(|_| problem("the name is not a number"))?;
    let value = hive.value(key, "Element")?.ok_or_else(|| problem("there is no value"))?;
    let value = decode(number, value).ok_or_else(|| problem("the value is not of the element's format"))?;
    Ok(Element { number, value })
}

fn required(hive: &Hive, path: &str) -> Result<KeyId, HiveError> {
    hive.find(path)?.ok_or_else(|| HiveError::Missing { path: path.to_owned() })
}

fn encode(value: &ElementValue) -> Result<(u32, Vec<u8>), HiveError> {
    Ok(match value {
        ElementValue::Device(device) => (REG_BINARY, device::encode(device)?),
        ElementValue::Text(text) => (REG_SZ, terminated(text)),
        ElementValue::Object(id) => (REG_SZ, terminated(&id.to_string())),
        ElementValue::Objects(ids) => {
            let mut data: Vec<u8> = ids.iter().flat_map(|id| terminated(&id.to_string())).collect();
            data.extend([0; 2]);
            (REG_MULTI_SZ, data)
        }
        ElementValue::Integer(number) => (REG_BINARY, number.to_le_bytes().to_vec()),
        ElementValue::Boolean(yes) => (REG_BINARY, vec![u8::from(*yes)]),
        ElementValue::Integers(numbers) => {
            (REG_BINARY, numbers.iter().flat_map(|n| n.to_le_bytes()).collect())
        }
        ElementValue::Other { kind, data } => (*kind, data.clone()),
    })
}

fn decode(number: u32, value: Value) -> Option<ElementValue> {
    let Value { kind, data } = value;
    Some(match number >> 24 & 0xF {
        1 => ElementValue::Device(device::decode(&data).ok()?),
        2 => ElementValue::Text(text(&data)),
        3 => ElementValue::Object(Guid::parse(&text(&data))?),
        4 => {
            let all = utf16le(&data);
            let ids = all.split('\0').filter(|id| !id.is_empty()).map(Guid::parse);
            ElementValue::Objects(ids.collect::<Option<_>>()?)
        }
        5 if data.len() <= 8 => {
            let mut bytes = [0; 8];
            bytes[..data.len()].copy_from_slice(&data);
            ElementValue::Integer(u64::from_le_bytes(bytes))
        }
        6 => ElementValue::Boolean(data.first().copied()? != 0),
        7 if data.len().is_multiple_of(8) => {
            ElementValue::Integers(data.as_chunks::<8>().0.iter().map(|n| u64::from_le_bytes(*n)).collect())
        }
        _ => ElementValue::Other { kind, data },
    })
}

fn terminated(text: &str) -> Vec<u8> {
    let mut bytes = to_utf16le(text);
    bytes.extend([0; 2]);
    bytes
}

fn text(data: &[u8]) -> String {
    utf16le(data).split('\0').next().unwrap_or_default().to_owned()
}
