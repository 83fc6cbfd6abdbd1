//! DICOM's wildcards (PS3.4 C.2.2.2.4), for every service that matches attributes.

/// Whether a text is as a pattern says: `*` stands for any characters, `?` for one. Goes back to the last `*` alone, so that its time
/// grows with the product of both lengths at most, whatever the pattern.
pub fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut back = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                // One character may be several bytes.
                let rest = text[t + 1..].iter();
                t += 1 + rest.take_while(|byte| **byte & 0xC0 == 0x80).count();
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((behind, from)) = back else { return false };
                back = Some((behind, from + 1));
                p = behind;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}
