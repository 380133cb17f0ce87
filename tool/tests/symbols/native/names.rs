//! Names that the compiler mangles.

mod serving {
    pub trait Read {
        fn read(&self, size: usize) -> usize;
    }

    pub struct Wrapped<T>(pub T);

    impl Read for Wrapped<u32> {
        #[inline(never)]
        fn read(&self, size: usize) -> usize {
            std::hint::black_box(self.0 as usize * size)
        }
    }

    #[inline(never)]
    pub fn relay<R: Read>(reader: &R) -> usize {
        std::hint::black_box(reader.read(23)) + 1
    }
}

fn main() {
    println!("{}", serving::relay(&serving::Wrapped(7_u32)));
}
