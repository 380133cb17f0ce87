CREATE TABLE recording (            -- one row, written with the first step
    id INTEGER PRIMARY KEY CHECK (id = 1),
    tool TEXT NOT NULL,             -- version of the copytax that wrote it
    complete INTEGER NOT NULL,      -- 1 once the recording has ended as it should
    checksum INTEGER,               -- of all that the recording says
    redacted INTEGER NOT NULL,      -- 1 where paths, addresses and arguments were left out
    started_ns INTEGER NOT NULL,    -- nanoseconds since 1970-01-01T00:00:00Z
    boot_ns INTEGER NOT NULL,       -- the same moment, in nanoseconds since boot
    interval_ns INTEGER NOT NULL,   -- what --interval asked for
    engine TEXT NOT NULL,           -- raw, tracepoint
    kernel TEXT NOT NULL,           -- release, as of uname -r
    arch TEXT NOT NULL,
    cpus INTEGER NOT NULL,
    hostname TEXT NOT NULL,
    bounced_interval INTEGER NOT NULL,   -- bytes between samples in the beginning; 0: not sampled
    zero_copy_interval INTEGER NOT NULL,
    other_interval INTEGER NOT NULL,
    without_profile TEXT,           -- why nothing was sampled although it was asked for
    command TEXT,                   -- the command that was run: a JSON array
    command_pid INTEGER,
    command_exit_code INTEGER,
    command_signal INTEGER
);
CREATE TABLE step (                 -- sums are since the beginning
    id INTEGER PRIMARY KEY,         -- 1, 2, ...
    end_ns INTEGER NOT NULL,        -- nanoseconds since recording.started_ns
    samples INTEGER NOT NULL,
    samples_lost INTEGER NOT NULL,
    tick_ns INTEGER NOT NULL,       -- between samples of a CPU; 0: not sampled
    bounced_widest INTEGER NOT NULL,     -- largest bytes between samples so far
    zero_copy_widest INTEGER NOT NULL,
    other_widest INTEGER NOT NULL,
    samples_dropped INTEGER NOT NULL,    -- from here on what was lost, as in the JSON report
    relay_evictions INTEGER NOT NULL,
    relay_contention INTEGER NOT NULL,
    content_unreadable INTEGER NOT NULL,
    pieces_truncated INTEGER NOT NULL,
    map_full INTEGER NOT NULL,
    unsupported_abi_calls INTEGER,  -- NULL: cannot be known
    endpoint_unknown INTEGER NOT NULL,
    transfers_split INTEGER NOT NULL,
    mapping_contention INTEGER NOT NULL,
    uring_unseen INTEGER            -- NULL: cannot be known
);
CREATE TABLE process (
    id INTEGER PRIMARY KEY,
    pid INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,      -- nanoseconds from boot to its start
    comm TEXT,                      -- NULL: nothing is known of it
    exe TEXT,
    cmdline TEXT,                   -- a JSON array
    cgroup TEXT,
    container TEXT,
    exited INTEGER NOT NULL,
    af_xdp INTEGER,                 -- NULL: not known
    runtime TEXT,
    runtime_version TEXT,
    libc TEXT,
    runtime_evidence TEXT
);
CREATE TABLE counter (              -- what is counted apart
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,             -- flow, error, transfer
    process INTEGER NOT NULL REFERENCES process,
    call TEXT NOT NULL,
    source TEXT NOT NULL,
    sink TEXT NOT NULL,
    class TEXT,                     -- not of errors
    sharing TEXT,                   -- not of errors
    errno INTEGER,                  -- of errors
    bucket INTEGER,                 -- of transfers: of 2^bucket bytes and more
    first_ns INTEGER NOT NULL       -- when first counted, nanoseconds since boot; 0: never, or not known
);
CREATE TABLE counter_step (         -- what came in a step of which no chunk was made yet
    step INTEGER NOT NULL REFERENCES step,
    counter INTEGER NOT NULL REFERENCES counter,
    bytes INTEGER NOT NULL,
    calls INTEGER NOT NULL,         -- of transfers how many
    first_pieces INTEGER NOT NULL,  -- of flows: calls that began with this flow
    PRIMARY KEY (step, counter)
) WITHOUT ROWID;
CREATE TABLE chunk (                -- steps that were put together
    id INTEGER PRIMARY KEY,
    first_step INTEGER NOT NULL REFERENCES step,
    last_step INTEGER NOT NULL REFERENCES step
);
CREATE TABLE counter_chunk (        -- what came in the steps of a chunk
    chunk INTEGER NOT NULL REFERENCES chunk,
    counter INTEGER NOT NULL REFERENCES counter,
    bytes INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    first_pieces INTEGER NOT NULL,
    series BLOB NOT NULL,           -- the same, step by step
    PRIMARY KEY (chunk, counter)
) WITHOUT ROWID;
CREATE TABLE string (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);
CREATE TABLE frame (
    id INTEGER PRIMARY KEY,
    function INTEGER REFERENCES string,
    file INTEGER REFERENCES string,
    line INTEGER,
    module INTEGER REFERENCES string,
    address INTEGER NOT NULL,       -- in the module, as a signed number
    inlined INTEGER NOT NULL,       -- 1: into the frame that follows
    language TEXT NOT NULL          -- kernel, go, jit, native
);
CREATE TABLE build (                -- files that code was in; since version 2
    module TEXT NOT NULL,           -- as frame.module has it; two files of a name are two builds
    build_id TEXT NOT NULL,         -- what its linker called it, in hexadecimal digits
    PRIMARY KEY (module, build_id)
) WITHOUT ROWID;
CREATE TABLE stack (
    id INTEGER PRIMARY KEY,
    ending TEXT NOT NULL            -- entry, cut, broken
);
CREATE TABLE stack_frame (
    stack INTEGER NOT NULL REFERENCES stack,
    depth INTEGER NOT NULL,         -- 0: innermost
    frame INTEGER NOT NULL REFERENCES frame,
    PRIMARY KEY (stack, depth)
) WITHOUT ROWID;
CREATE TABLE site (                 -- call sites
    id INTEGER PRIMARY KEY,
    process INTEGER NOT NULL REFERENCES process,
    kind TEXT NOT NULL,             -- bounced, zero_copy, other
    call TEXT NOT NULL,
    source TEXT NOT NULL,
    sink TEXT NOT NULL,
    class TEXT NOT NULL,
    sharing TEXT NOT NULL,
    source_name INTEGER REFERENCES string,
    sink_name INTEGER REFERENCES string,
    write_stack INTEGER NOT NULL REFERENCES stack,
    read_stack INTEGER REFERENCES stack,
    kernel_stack INTEGER REFERENCES stack
);
CREATE TABLE site_sum (             -- sums since the beginning, where they have changed
    step INTEGER NOT NULL REFERENCES step,
    site INTEGER NOT NULL REFERENCES site,
    samples INTEGER NOT NULL,
    bytes REAL NOT NULL,            -- estimates, with their variances
    bytes_variance REAL NOT NULL,
    calls REAL NOT NULL,
    calls_variance REAL NOT NULL,
    PRIMARY KEY (step, site)
) WITHOUT ROWID;
CREATE TABLE cpu_site (             -- what CPUs did
    id INTEGER PRIMARY KEY,
    process INTEGER NOT NULL REFERENCES process,
    syscall INTEGER,
    user_stack INTEGER REFERENCES stack,
    kernel_stack INTEGER REFERENCES stack
);
CREATE TABLE cpu_sum (              -- sums since the beginning, where they have changed
    step INTEGER NOT NULL REFERENCES step,
    site INTEGER NOT NULL REFERENCES cpu_site,
    samples INTEGER NOT NULL,
    time_ns INTEGER NOT NULL,
    PRIMARY KEY (step, site)
) WITHOUT ROWID;
CREATE TABLE finding (              -- what the recording copytax said at the end; report finds anew
    id INTEGER PRIMARY KEY,
    process INTEGER REFERENCES process,
    rule TEXT,                      -- NULL: the cause is not known
    verdict TEXT NOT NULL,
    title TEXT,
    cause TEXT,
    fix TEXT,
    mechanism TEXT NOT NULL,
    source TEXT NOT NULL,
    sink TEXT NOT NULL,
    lost INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    culprit INTEGER REFERENCES frame
);
CREATE VIEW counter_total AS        -- of the whole recording
    SELECT counter, sum(bytes) AS bytes, sum(calls) AS calls, sum(first_pieces) AS first_pieces
    FROM (SELECT counter, bytes, calls, first_pieces FROM counter_chunk
          UNION ALL
          SELECT counter, bytes, calls, first_pieces FROM counter_step)
    GROUP BY counter;
