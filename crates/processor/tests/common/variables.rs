/// All variables without which the binary does not work.
pub const VARIABLES: [(&str, &str); 6] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("TABLE_NAME", "table"),
    ("QUEUE_URL", "http://queue.invalid/main"),
    ("DEAD_LETTER_QUEUE_URL", "http://queue.invalid/dead"),
];
