use super::{Case, Finding, some_of, span};

/// Transactions that hold vacuum back: dead rows stay in the way of every claim for as long as they are open.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let open = &case.vitals.transactions;
    if open.is_empty() {
        return Vec::new();
    }
    let words = open.iter().map(|one| format!("{} ({}) for {}", one.who, one.state, span(one.seconds)));
    let finding =
        Finding::care("transactions", "transactions are open for long, and dead rows cannot be vacuumed away")
            .evidence(some_of(words))
            .remedy(
                "end them (`SELECT pg_terminate_backend(PID)`, `ROLLBACK PREPARED`), and set \
             `idle_in_transaction_session_timeout` so that none is forgotten",
            );
    vec![finding]
}
