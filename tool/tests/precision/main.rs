//! Programs that have nothing to do with serving files, from their start to their end under the audit:
//! what they copy is their business, and nothing of it is said to be fixable.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod run;

use anyhow::Result;

use run::{Program, watch};
use support::prerequisites;

/// Rows are written, dumped into another program, and the database is backed up.
#[test]
fn sqlite() -> Result<()> {
    watch(&Program {
        needs: &["sqlite3"],
        script: "
            sqlite3 db 'create table t (b blob); with recursive n (i) as
                (select 1 union all select i + 1 from n where i < 256)
                insert into t select randomblob(65536) from n; vacuum'
            sqlite3 db '.backup copy'
            sqlite3 db .dump | sqlite3 other
            sqlite3 other 'select count(*) from t' | grep -x 256",
        comm: "sqlite3",
    })
}

/// A clone over loopback.
#[test]
fn git() -> Result<()> {
    watch(&Program {
        needs: &["git"],
        script: "
            export HOME=$PWD GIT_CONFIG_NOSYSTEM=1
            git init -q source
            head -c 16777235 /dev/urandom > source/file
            git -C source add file
            git -C source -c user.name=n -c user.email=e commit -qm message
            git daemon --base-path=. --export-all --reuseaddr --listen=127.0.0.1 --port=$1 &
            until git ls-remote -q git://127.0.0.1:$1/source > listed; do :; done
            git clone -q git://127.0.0.1:$1/source clone
            kill $!
            cmp source/file clone/file",
        comm: "git",
    })
}

/// A library is compiled, archived and linked.
#[test]
fn gcc() -> Result<()> {
    watch(&Program {
        needs: &["gcc", "ar"],
        script: r#"
            for part in 1 2 3 4; do
                for i in $(seq 2000); do
                    printf 'int f%s_%s(int a) { return a * %s; }\n' $part $i $i
                done > $part.c
                gcc -g -c -pipe $part.c
            done
            ar rc all.a 1.o 2.o 3.o 4.o
            printf 'int f1_7(int); int main(void) { return f1_7(1) - 7; }' > main.c
            gcc -g main.c all.a -o program
            ./program"#,
        comm: "cc1",
    })
}

/// Values that are long enough for a zero-copy call, a snapshot, and what a replica asks for.
#[test]
fn redis() -> Result<()> {
    watch(&Program {
        needs: &["redis-server", "redis-cli", "redis-benchmark"],
        script: "
            redis-server --port $1 --bind 127.0.0.1 --save '' --daemonize no > log &
            until redis-cli -p $1 ping | grep -q PONG; do :; done
            redis-benchmark -q -p $1 -t set,get -n 2000 -d 65536 -r 200 > said
            redis-cli -p $1 save
            redis-cli -p $1 --rdb copy > said
            redis-cli -p $1 shutdown nosave
            wait",
        comm: "redis-server",
    })
}

/// Transactions, and a backup.
#[test]
fn postgres() -> Result<()> {
    watch(&Program {
        needs: &["pg_ctlcluster", "setpriv"],
        script: "
            chown nobody .
            for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
            run() { setpriv --reuid=nobody --regid=nogroup --clear-groups \"$@\"; }
            run initdb -D db -U nobody -A trust --no-sync > said
            run postgres -D db -p $1 -k \"$PWD\" -c listen_addresses= -c fsync=off > log 2>&1 &
            until run pg_isready -q -h \"$PWD\" -p $1; do :; done
            run pgbench -h \"$PWD\" -p $1 -i -q postgres > said 2>&1
            run pgbench -h \"$PWD\" -p $1 -t 100 -c 2 postgres > said
            run pg_basebackup -h \"$PWD\" -p $1 -D copy -c fast --no-sync
            kill -INT $(head -n 1 db/postmaster.pid)
            wait",
        comm: "postgres",
    })
}

/// To a folder, and from a daemon over loopback.
#[test]
fn rsync() -> Result<()> {
    watch(&Program {
        needs: &["rsync"],
        script: "
            mkdir source
            head -c 16777235 /dev/urandom > source/file
            rsync -a source/ local/
            printf '[source]\\npath = %s/source\\nuse chroot = no\\n' \"$PWD\" > conf
            rsync --daemon --no-detach --config=conf --address=127.0.0.1 --port=$1 --log-file=log &
            until rsync -q rsync://127.0.0.1:$1/source/ > listed; do :; done
            rsync -a rsync://127.0.0.1:$1/source/ remote/
            kill $!
            cmp source/file local/file
            cmp source/file remote/file",
        comm: "rsync",
    })
}

/// Archives to a file, through a pipe and compressed.
#[test]
fn tar() -> Result<()> {
    watch(&Program {
        needs: &["tar", "gzip"],
        script: "
            mkdir source piped
            head -c 16777235 /dev/urandom > source/file
            tar cf archive source
            tar c source | tar x -C piped
            tar czf compressed source
            tar tzf compressed > list
            cmp source/file piped/source/file",
        comm: "tar",
    })
}

/// Keys.
#[test]
fn ssh_keygen() -> Result<()> {
    watch(&Program {
        needs: &["ssh-keygen"],
        script: "
            ssh-keygen -q -t ed25519 -N '' -f a
            ssh-keygen -q -t rsa -b 2048 -N '' -f b
            ssh-keygen -l -f b.pub",
        comm: "ssh-keygen",
    })
}

/// What CPython tests its copies of files and its servers with.
#[test]
fn python_test_suite() -> Result<()> {
    let there = prerequisites::python_module("test.test_shutil");
    let Some(()) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    watch(&Program {
        needs: &["python3"],
        script: "
            python3 -m test test_shutil test_httpservers test_socketserver test_fileio > said 2>&1 \
                || { cat said >&2; exit 1; }",
        comm: "python3",
    })
}

/// A download and an upload.
#[test]
fn curl() -> Result<()> {
    watch(&Program {
        needs: &["curl", "nginx"],
        script: r#"
            head -c 16777235 /dev/urandom > file
            chmod 755 .
            cat > conf <<END
            daemon off; user root root; worker_processes 1; pid pid; error_log log;
            events {}
            http {
                access_log off; client_body_temp_path body; proxy_temp_path t; fastcgi_temp_path t;
                uwsgi_temp_path t; scgi_temp_path t;
                server { listen 127.0.0.1:$1; root $PWD; sendfile on; client_max_body_size 1g;
                         location /up/ { dav_methods PUT; } }
            }
END
            nginx -p "$PWD" -c "$PWD/conf" -e log &
            until curl -s -o first http://127.0.0.1:$1/file; do :; done
            curl -s -o second http://127.0.0.1:$1/file
            curl -s -o third "file://$PWD/file"
            curl -s -T file -o said http://127.0.0.1:$1/up/file
            kill $!
            wait
            cmp file second
            cmp file third"#,
        comm: "curl",
    })
}
