//! Pure decisions over a snapshot: hit rates, lost bytes, totals. No I/O.
