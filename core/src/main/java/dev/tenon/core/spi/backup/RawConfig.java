package dev.tenon.core.spi.backup;

import java.util.Arrays;

/** A configuration file as it is: bytes in whatever encoding, which are kept and given back without a change. */
public final class RawConfig {
    private final byte[] bytes;

    private RawConfig(byte[] bytes) {
        this.bytes = bytes;
    }

    /** The configuration of these bytes, maybe none. */
    public static RawConfig of(byte[] bytes) {
        return new RawConfig(bytes.clone());
    }

    /** A copy of the bytes. */
    public byte[] bytes() {
        return bytes.clone();
    }

    public int length() {
        return bytes.length;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RawConfig config && Arrays.equals(bytes, config.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** Not the content, which may be a secret. */
    @Override
    public String toString() {
        return bytes.length + " bytes of configuration";
    }
}
