//! What the functions share about endpoints: their paths, and the format of a list of names.

/// An endpoint's path is this and its name.
pub const PATH: &str = "/webhooks/heygen/";

/// The names in a comma separated list.
pub fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}
