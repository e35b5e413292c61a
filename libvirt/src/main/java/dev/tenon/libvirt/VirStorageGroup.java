package dev.tenon.libvirt;

/**
 * A storage whose volumes are devices (the proposal's {@code virStorageGroup}). The proposal marks the structure with a
 * magic number, {@code 0x57083001}; in Java the type of the record is that mark.
 *
 * @param name the storage's id
 * @param isReadOnly whether no volumes can be made: it is not configured for images or containers
 * @param size kilobytes of 1,024 bytes, rounded down
 * @param avail kilobytes that are free, rounded down
 */
public record VirStorageGroup(String name, boolean isReadOnly, long size, long avail) {}
