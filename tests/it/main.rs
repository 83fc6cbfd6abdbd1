//! Stories and facts that need more than one module, real data or a real peer.

mod decode;
mod shared;
