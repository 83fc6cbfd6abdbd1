//! The worker loop over the job table. Knows no job.
