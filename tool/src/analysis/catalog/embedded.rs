//! The files of `tool/rules/`.

macro_rules! embed {
    ($($name:literal)+) => {
        /// Name and content of each.
        pub(crate) const FILES: &[(&str, &str)] = &[$((
            concat!("rules/", $name),
            include_str!(concat!("../../../rules/", $name)),
        )),+];
    };
}

embed! {
    "A1.toml"
    "C1.toml"
    "E1.toml"
    "F1.toml"
    "F2.toml"
    "G1.toml"
    "G2.toml"
    "G3.toml"
    "G4.toml"
    "G5.toml"
    "G6.toml"
    "G7.toml"
    "G8.toml"
    "G9.toml"
    "G10.toml"
    "H1.toml"
    "H2.toml"
    "H3.toml"
    "J1.toml"
    "J2.toml"
    "J3.toml"
    "J4.toml"
    "J5.toml"
    "J6.toml"
    "K1.toml"
    "K2.toml"
    "K3.toml"
    "K4.toml"
    "K5.toml"
    "K6.toml"
    "K7.toml"
    "K8.toml"
    "K9.toml"
    "L1.toml"
    "N1.toml"
    "N2.toml"
    "N3.toml"
    "N4.toml"
    "N5.toml"
    "P1.toml"
    "P2.toml"
    "P3.toml"
    "P4.toml"
    "P5.toml"
    "P6.toml"
    "R1.toml"
    "R2.toml"
    "R3.toml"
    "R4.toml"
    "S1.toml"
    "T1.toml"
    "T2.toml"
}
