//! What an event is about, and which of its words say how that stands.

use webhook::Status;

/// The types that are documented or were seen, sorted. Any other is recorded, and moves no job.
pub const KNOWN: &[&str] = &[
    "call_initiation_failure",
    "dubbing_language_completed",
    "dubbing_language_failed",
    "dubbing_project_failed",
    "dubbing_project_ready",
    "flows_generation",
    "flows_template_run",
    "post_call_audio",
    "post_call_transcription",
    "speech_to_text.completed",
    "speech_to_text_transcription",
    "voice_removal_notice",
    "voice_removal_notice_withdrawn",
    "voice_removed",
];

/// The kinds of jobs, without the platform.
pub const KINDS: &[&str] =
    &["conversation", "dubbing", "dubbing_language", "flows", "flows_template_run", "speech_to_text"];

/// The fields that may hold the id of what an event of no job is about.
const OTHER_IDS: &[&str] = &["conversation_id", "language_id", "project_id", "request_id", "voice_id", "id"];

/// What a job makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A video, an image or speech: an event does not say which.
    Flows,
    TemplateRun,
    DubbingProject,
    /// One language of a dubbing project.
    DubbingLanguage,
    SpeechToText,
    /// Of an agent.
    Conversation,
}

impl Subject {
    const ALL: [Self; 6] = [
        Self::Flows,
        Self::TemplateRun,
        Self::DubbingProject,
        Self::DubbingLanguage,
        Self::SpeechToText,
        Self::Conversation,
    ];

    pub(crate) fn of_type(event_type: &str) -> Option<Self> {
        match event_type {
            "flows_generation" => Some(Self::Flows),
            "flows_template_run" => Some(Self::TemplateRun),
            "dubbing_project_ready" | "dubbing_project_failed" => Some(Self::DubbingProject),
            "dubbing_language_completed" | "dubbing_language_failed" => Some(Self::DubbingLanguage),
            // One documented example has the second name.
            "speech_to_text_transcription" | "speech_to_text.completed" => Some(Self::SpeechToText),
            "post_call_transcription" | "post_call_audio" | "call_initiation_failure" => Some(Self::Conversation),
            _ => None,
        }
    }

    /// By a kind, with or without the platform.
    pub(crate) fn of_kind(kind: &str) -> Option<Self> {
        let kind = kind.strip_prefix("elevenlabs.").unwrap_or(kind);
        Self::ALL.into_iter().find(|subject| subject.kind().strip_prefix("elevenlabs.") == Some(kind))
    }

    /// The kind of the job, as it is stored.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Flows => "elevenlabs.flows",
            Self::TemplateRun => "elevenlabs.flows_template_run",
            Self::DubbingProject => "elevenlabs.dubbing",
            Self::DubbingLanguage => "elevenlabs.dubbing_language",
            Self::SpeechToText => "elevenlabs.speech_to_text",
            Self::Conversation => "elevenlabs.conversation",
        }
    }

    /// The fields that may hold its id; the bodies of dubbing's events are not published, so there are several.
    pub(crate) fn id_names(subject: Option<Self>) -> &'static [&'static str] {
        match subject {
            Some(Self::Flows | Self::TemplateRun) => &["id"],
            Some(Self::DubbingProject) => &["project_id", "id"],
            Some(Self::DubbingLanguage) => &["language_id", "id", "project_id"],
            Some(Self::SpeechToText) => &["request_id"],
            Some(Self::Conversation) => &["conversation_id"],
            None => OTHER_IDS,
        }
    }

    /// What the field `status` says, in an event or in an answer; `None` of a word that is not known.
    pub(crate) fn status(self, word: &str) -> Option<Status> {
        use Status::{Failed, Pending, Succeeded};
        match (self, word) {
            (_, "failed") => Some(Failed),
            (Self::Flows | Self::TemplateRun, "completed") => Some(Succeeded),
            (Self::Flows | Self::TemplateRun, "pending" | "generating") => Some(Pending),
            // Its languages are dubbed once it is ready.
            (Self::DubbingProject, "queued" | "preparing" | "processing" | "ready") => Some(Pending),
            // Finished, and its text was edited since.
            (Self::DubbingLanguage, "completed" | "stale") => Some(Succeeded),
            (Self::DubbingLanguage, "queued" | "processing") => Some(Pending),
            (Self::Conversation, "done") => Some(Succeeded),
            (Self::Conversation, "initiated" | "in-progress" | "processing") => Some(Pending),
            _ => None,
        }
    }

    /// Whether one of its kind may end more than once: then an event is told from another by its time.
    pub(crate) fn recurs(self) -> bool {
        match self {
            Self::DubbingProject | Self::DubbingLanguage | Self::Conversation => true,
            Self::Flows | Self::TemplateRun | Self::SpeechToText => false,
        }
    }

    /// The type of the event whose `data` is what the API answers in the end.
    pub(crate) fn delivered_as_answered(self) -> Option<&'static str> {
        match self {
            Self::Flows => Some("flows_generation"),
            Self::TemplateRun => Some("flows_template_run"),
            Self::DubbingProject | Self::DubbingLanguage | Self::SpeechToText | Self::Conversation => None,
        }
    }
}

/// What an event says of its job, by its type and by the word in its `status`, which counts where it is worse.
pub(crate) fn reported(event_type: &str, word: Option<Status>) -> Option<Status> {
    use Status::{Failed, Pending, Succeeded};
    match event_type {
        "flows_generation" | "flows_template_run" | "post_call_transcription" => word.filter(|word| *word != Pending),
        "dubbing_language_completed" | "speech_to_text_transcription" | "speech_to_text.completed" => {
            word.or(Some(Succeeded)).filter(|word| *word != Pending)
        }
        "dubbing_project_ready" => word.filter(|word| *word == Failed).or(Some(Pending)),
        "dubbing_project_failed" | "dubbing_language_failed" | "call_initiation_failure" => Some(Failed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_types_are_sorted_and_none_is_repeated() {
        for pair in KNOWN.windows(2) {
            assert!(pair[0] < pair[1], "{:?} must come before {:?}, and only once", pair[1], pair[0]);
        }
    }

    #[test]
    fn every_kind_is_that_of_one_subject() {
        let kinds: Vec<_> =
            Subject::ALL.iter().filter_map(|subject| subject.kind().strip_prefix("elevenlabs.")).collect();
        for kind in KINDS {
            assert_eq!(kinds.iter().filter(|other| *other == kind).count(), 1, "{kind}");
            assert_eq!(Subject::of_kind(kind), Subject::of_kind(&format!("elevenlabs.{kind}")), "{kind}");
        }
        assert_eq!(kinds.len(), KINDS.len());
        for kind in ["", "elevenlabs.", "elevenlabs.elevenlabs.flows", "synthesia.video", "Flows"] {
            assert_eq!(Subject::of_kind(kind), None, "{kind}");
        }
    }

    #[test]
    fn every_type_of_a_job_is_known() {
        for event_type in KNOWN {
            let is_of_a_job = !event_type.starts_with("voice_");
            assert_eq!(Subject::of_type(event_type).is_some(), is_of_a_job, "{event_type}");
        }
    }

    #[test]
    fn an_event_does_not_say_more_than_its_own_status() {
        use Status::{Failed, Pending, Succeeded};
        for (event_type, expected) in [
            // For no status, or an unknown one; then for failed, pending and succeeded.
            ("flows_generation", [None, Some(Failed), None, Some(Succeeded)]),
            ("flows_template_run", [None, Some(Failed), None, Some(Succeeded)]),
            ("post_call_transcription", [None, Some(Failed), None, Some(Succeeded)]),
            ("dubbing_language_completed", [Some(Succeeded), Some(Failed), None, Some(Succeeded)]),
            ("speech_to_text_transcription", [Some(Succeeded), Some(Failed), None, Some(Succeeded)]),
            ("dubbing_project_ready", [Some(Pending), Some(Failed), Some(Pending), Some(Pending)]),
            ("dubbing_project_failed", [Some(Failed); 4]),
            ("dubbing_language_failed", [Some(Failed); 4]),
            ("call_initiation_failure", [Some(Failed); 4]),
            ("post_call_audio", [None; 4]),
            ("voice_removed", [None; 4]),
            ("flows_generation_started", [None; 4]),
        ] {
            let words = [None, Some(Failed), Some(Pending), Some(Succeeded)];
            assert_eq!(words.map(|word| reported(event_type, word)), expected, "{event_type}");
        }
    }
}
