package dev.tenon.core.backup.nbd;

/** How requests and replies are framed, the richest that both sides know. */
enum Mode {
    /** A reply is one header and, after a read, all its data. What the kernel's client knows. */
    SIMPLE,
    /** A reply comes in chunks, holes are told, errors have words. */
    STRUCTURED,
    /** The same with lengths of 64 bits. */
    EXTENDED
}
