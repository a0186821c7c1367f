//! The ways in which a caller can hold a connection, the same for every store.

/// Implements `Destination` and `Completion` for a store's connection, its transaction, and both within a queue.
///
/// Takes the store's own `place`, `place_all` and `complete` on a bare connection.
macro_rules! destinations {
    ($database:ty, $connection:ty) => {
        destinations! { @place
            &'w mut $connection: |this| None, this;
            &'w mut sqlx::Transaction<'t, $database>: |this| None, &mut **this;
            Within<'w, $connection>: |this| Some(this.queue.clone()), this.connection;
            Within<'w, sqlx::Transaction<'t, $database>>: |this| Some(this.queue.clone()), &mut **this.connection;
        }

        impl<'w> Completion<'w> for &'w mut $connection {
            fn complete(self, queue: Queue, end: Ending) -> BoxFuture<'w, Result<bool>> {
                Box::pin(async move { complete(self, &queue, end.0).await })
            }
        }

        impl<'w, 't: 'w> Completion<'w> for &'w mut sqlx::Transaction<'t, $database> {
            fn complete(self, queue: Queue, end: Ending) -> BoxFuture<'w, Result<bool>> {
                Box::pin(async move { complete(self, &queue, end.0).await })
            }
        }
    };
    (@place $($type:ty: |$this:ident| $queue:expr, $connection:expr;)+) => {$(
        impl<'w, 't: 'w> Destination<'w> for $type {
            fn place(self: Box<Self>, batch: Batch) -> BoxFuture<'w, Result<Placed>> {
                let $this = *self;
                Box::pin(place($connection, $queue, batch))
            }

            fn place_all(self: Box<Self>, bulk: Bulk) -> BoxFuture<'w, Result<Placed>> {
                let $this = *self;
                Box::pin(place_all($connection, $queue, bulk))
            }
        }
    )+};
}
