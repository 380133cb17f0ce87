fn main() {
    // SAFETY: a build script has one thread here.
    unsafe { std::env::set_var("RUSTC_BOOTSTRAP", "1") };
    aya_build::build_ebpf(
        [aya_build::Package { name: "copytax-ebpf", root_dir: "../tool-ebpf", ..Default::default() }],
        aya_build::Toolchain::Custom("copytax-ebpf"),
    ).unwrap();
    println!("cargo:rerun-if-changed=../tool-common");
}
