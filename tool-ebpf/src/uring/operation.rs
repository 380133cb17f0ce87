//! Operations of io_uring by their number (`enum io_uring_op` of `include/uapi/linux/io_uring.h`).

use copytax_common::Call;

/// How a request describes what it moves.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Form {
    /// `struct io_rw`, one buffer.
    Buffer = 0,
    /// `struct io_rw`, a vector.
    Vector = 1,
    /// `struct io_sr_msg`, one buffer.
    Transmission = 2,
    /// `struct io_sr_msg`, a `struct msghdr`.
    Message = 3,
    /// `struct io_splice`
    Splice = 4,
}

pub(crate) const RECVMSG: u8 = 10;
pub(crate) const READ_MULTISHOT: u8 = 49;

/// Operations are fewer.
const OPERATIONS: usize = 64;

static CALLS: [u16; OPERATIONS] = {
    let mut calls = [0; OPERATIONS];
    calls[1] = entry(Call::UringReadv, Form::Vector);
    calls[2] = entry(Call::UringWritev, Form::Vector);
    calls[4] = entry(Call::UringReadFixed, Form::Buffer);
    calls[5] = entry(Call::UringWriteFixed, Form::Buffer);
    calls[9] = entry(Call::UringSendmsg, Form::Message);
    calls[RECVMSG as usize] = entry(Call::UringRecvmsg, Form::Message);
    calls[22] = entry(Call::UringRead, Form::Buffer);
    calls[23] = entry(Call::UringWrite, Form::Buffer);
    calls[26] = entry(Call::UringSend, Form::Transmission);
    calls[27] = entry(Call::UringRecv, Form::Transmission);
    calls[30] = entry(Call::UringSplice, Form::Splice);
    calls[33] = entry(Call::UringTee, Form::Splice);
    calls[47] = entry(Call::UringSendZc, Form::Transmission);
    calls[48] = entry(Call::UringSendmsgZc, Form::Message);
    calls[READ_MULTISHOT as usize] = entry(Call::UringRead, Form::Buffer);
    calls[60] = entry(Call::UringReadFixed, Form::Vector);
    calls[61] = entry(Call::UringWriteFixed, Form::Vector);
    calls
};

const fn entry(call: Call, form: Form) -> u16 {
    call as u16 | (form as u16) << 8
}

/// What an operation is.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// [`Call`], 0 where it is not accounted.
    pub(crate) call: u8,
    /// [`Form`]
    pub(crate) form: u8,
}

impl Kind {
    /// That of an operation's number.
    #[inline(always)]
    pub(crate) fn of(operation: u8) -> Self {
        // SAFETY: the index is within the table.
        let entry = unsafe {
            (&raw const CALLS)
                .cast::<u16>()
                .add(operation as usize & (OPERATIONS - 1))
                .read_volatile()
        };
        Self {
            call: entry as u8,
            form: (entry >> 8) as u8,
        }
    }

    /// Whether it is described in this form.
    #[inline(always)]
    pub(crate) const fn is(self, form: Form) -> bool {
        self.form == form as u8
    }
}
