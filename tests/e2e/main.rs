//! End to end: through HTTP, on the deployed template, with the real binaries. The stack is the one
//! that `STACK_JSON` names; `make test` starts one of its own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "samples are read without a request")]

mod access;
mod any_order;
mod bad_days;
mod chain;
mod cloudformation;
mod crashes;
mod cut;
mod dead_letters;
mod deployed;
mod doctor;
mod doctor_callback_urls;
mod doctor_deployed;
mod doctor_secret;
mod endpoints;
mod examples;
mod failures;
mod forged;
mod inside;
mod job_events;
mod leaks;
mod listener;
mod odd_bodies;
mod outage;
mod parameters;
mod patient;
mod permissions;
mod permissions_admin;
mod permissions_doctor;
mod permissions_platforms;
mod permissions_recovery;
mod platform_alarms;
mod platforms;
mod platforms_backfill;
mod platforms_limited;
mod platforms_only;
mod reading;
mod records;
mod recovering;
mod recovery_backfill;
mod recovery_cuts;
mod recovery_cuts_queues;
mod recovery_links;
mod recovery_outage;
mod recovery_swept;
mod recovery_tracked;
mod replies;
mod responses;
mod rotation;
mod schedules;
mod second;
mod second_chance;
mod support;
mod telemetry;
mod telemetry_caused;
mod telemetry_logs;
mod telemetry_shown;
mod together;
mod updates;
mod upgrades;
mod usage;
mod verified;
