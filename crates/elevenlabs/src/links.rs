//! The links to the results of a job. They live about an hour.

use std::collections::BTreeMap;

use webhook::fields::Fields;
use webhook::json::each_field;
use webhook::pick::pick;

use crate::data::Data;
use crate::subject::Subject;

/// Reads the links of `data`; `outputs` finds its undecoded field of this name.
pub(crate) fn read<'t>(data: Data<'_>, outputs: impl FnOnce() -> Option<&'t str>) -> BTreeMap<String, String> {
    let one = |name: &str, link: Option<String>| link.map(|link| (name.to_owned(), link)).into_iter().collect();
    match data.subject {
        Some(Subject::Flows) => one(medium(data.fields), data.fields.link("content_url")),
        Some(Subject::TemplateRun) => outputs().map(of_outputs).unwrap_or_default(),
        Some(Subject::DubbingLanguage) => one("audio", data.fields.object("outputs").link("lossless_audio")),
        Some(Subject::DubbingProject | Subject::SpeechToText | Subject::Conversation) | None => BTreeMap::new(),
    }
}

/// An event does not say what was generated, but its MIME type does.
fn medium(fields: Fields<'_>) -> &'static str {
    let mime = fields.text("content_mime_type").unwrap_or_default().to_ascii_lowercase();
    match mime.split('/').next() {
        Some("video") => "video",
        Some("image") => "image",
        Some("audio") => "audio",
        _ => "content",
    }
}

/// The links of a template run, by its ports. The status of an output decides about its link: a run fails as a whole when
/// one output does, and the others may be good.
fn of_outputs(outputs: &str) -> BTreeMap<String, String> {
    let mut links = BTreeMap::new();
    each_field(
        outputs,
        |_| true,
        |port, output| {
            let output = pick(output, &["status", "content_url"]).fields;
            let output = Fields::from(&output);
            let is_good = output.text("status").is_none_or(|status| status == "completed");
            links.extend(output.link("content_url").filter(|_| is_good).map(|link| (format!("output.{port}"), link)));
        },
    );
    links
}
