//! The fields of an event's `data`, which an answer of the API has at its top.

use webhook::fields::Fields;
use webhook::pick::pick;
use webhook::{Failure, Status};

use crate::subject::Subject;

/// The name of the caller's own value where ElevenLabs lets the caller choose names: in `webhook_metadata`, and in the
/// dynamic variables of a conversation.
const OWN_VALUE: &str = "callback_id";

/// The fields that are read.
pub(crate) const PATHS: &[&str] = &[
    "id",
    "status",
    "content_url",
    "content_mime_type",
    "failure_reason",
    "error_message",
    "error",
    "error.code",
    "error.message",
    "error.message_type",
    "error.error",
    "project_id",
    "language_id",
    "reference",
    "outputs.lossless_audio",
    "request_id",
    "webhook_metadata",
    "webhook_metadata.callback_id",
    "conversation_id",
    "user_id",
    "conversation_initiation_client_data.dynamic_variables.callback_id",
    "metadata.call_duration_secs",
    "metadata.termination_reason",
    "metadata.body.error_reason",
    "voice_id",
];

/// What is said of one subject; of none for an event of no job.
#[derive(Clone, Copy)]
pub(crate) struct Data<'a> {
    pub(crate) subject: Option<Subject>,
    pub(crate) fields: Fields<'a>,
}

impl Data<'_> {
    pub(crate) fn entity_id(self) -> Option<String> {
        self.fields.first_text(Subject::id_names(self.subject))
    }

    /// ElevenLabs' word for where the job is.
    pub(crate) fn word(self) -> Option<String> {
        self.fields.text("status")
    }

    pub(crate) fn status(self) -> Option<Status> {
        self.subject?.status(&self.word()?)
    }

    /// The caller's own value, as far as ElevenLabs repeats it.
    pub(crate) fn own_value(self) -> Option<String> {
        match self.subject? {
            Subject::Flows | Subject::TemplateRun => None,
            Subject::DubbingProject | Subject::DubbingLanguage => self.fields.text("reference"),
            Subject::SpeechToText => self.in_metadata(),
            Subject::Conversation => {
                self.fields.object("conversation_initiation_client_data").object("dynamic_variables").text(OWN_VALUE)
            }
        }
    }

    /// `webhook_metadata` comes back as an object, or as its JSON text.
    fn in_metadata(self) -> Option<String> {
        let in_text = || {
            let picked = pick(&self.fields.text("webhook_metadata")?, &[OWN_VALUE]);
            Fields::from(&picked.fields).text(OWN_VALUE).filter(|_| picked.is_json)
        };
        self.fields.object("webhook_metadata").text(OWN_VALUE).or_else(in_text)
    }

    /// What finds the job besides its own id where there is no value of the caller's: the user of a conversation, who may
    /// have several; the project of a dub's language.
    pub(crate) fn found_by(self) -> Option<String> {
        match self.subject? {
            Subject::Conversation => self.fields.text("user_id"),
            Subject::DubbingLanguage => {
                let own_id = self.entity_id();
                self.fields.text("project_id").filter(|project| own_id.as_ref() != Some(project))
            }
            Subject::Flows | Subject::TemplateRun | Subject::DubbingProject | Subject::SpeechToText => None,
        }
    }

    /// Why it failed; `error` is documented in two shapes. How a conversation that did not fail came to its end is no
    /// failure.
    pub(crate) fn failure(self, status: Option<Status>) -> Option<Failure> {
        let (error, metadata) = (self.fields.object("error"), self.fields.object("metadata"));
        let code = self.fields.text("failure_reason").or_else(|| error.first_text(&["code", "message_type"]));
        let of_a_call = || {
            let reason = || metadata.object("body").text("error_reason");
            reason().or_else(|| metadata.text("termination_reason")).filter(|_| status == Some(Status::Failed))
        };
        let message = self.fields.first_text(&["error_message", "error"]);
        let message = message.or_else(|| error.first_text(&["message", "error"])).or_else(of_a_call);
        Failure::of(code, message)
    }

    pub(crate) fn duration_seconds(self) -> Option<u32> {
        self.fields.object("metadata").whole_seconds("call_duration_secs")
    }
}
