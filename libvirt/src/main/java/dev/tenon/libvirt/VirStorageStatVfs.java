package dev.tenon.libvirt;

/**
 * The room in a file system (the proposal's {@code virStorageStatVFSBuffer}).
 *
 * @param bsize bytes of a block
 * @param bavail blocks that an ordinary user may still fill
 */
public record VirStorageStatVfs(long bsize, long bavail) {}
