//! Where a list goes on: strictly before a time and an id, so that rows of one instant are neither skipped nor repeated.

use sea_orm::{ColumnTrait, Condition};

/// The last row that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// Microseconds since 1970 UTC.
    pub at: i64,
    pub id: String,
}

impl Before {
    /// For a list that is ordered by time and then id, both falling.
    pub fn condition<C: ColumnTrait>(&self, time: C, id: C) -> Condition {
        Condition::any().add(time.lt(self.at)).add(
            Condition::all()
                .add(time.eq(self.at))
                .add(id.lt(self.id.as_str())),
        )
    }
}
