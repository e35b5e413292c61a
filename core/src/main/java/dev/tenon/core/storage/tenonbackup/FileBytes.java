package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.TreeWriter;
import dev.tenon.core.linux.SparseFile;
import dev.tenon.core.linux.TreeDirectory;
import java.io.IOException;

/**
 * The bytes of a file that somebody may write to meanwhile. What it grows by is of the next backup. If it shrinks it ends where
 * it ends now: nothing is made up for what has gone.
 */
final class FileBytes implements TreeWriter.Source {
    private final SparseFile file;
    private final boolean isSparse;
    private final Reading reading;
    private long end;

    /** Reads from a file. */
    interface Reading {
        /** Reads at least one byte, 0 at the end of the file. */
        int read(SparseFile file, long offset, byte[] into, int at, int length) throws IOException;
    }

    FileBytes(SparseFile file, TreeDirectory.Status status, Reading reading) {
        this.file = file;
        this.isSparse = status.allocated() < status.size();
        this.reading = reading;
        this.end = status.size();
    }

    @Override
    public long nextData(long offset) throws IOException {
        if (offset >= end) {
            return -1;
        }
        long data = isSparse ? file.nextData(offset) : offset;
        if (data < 0) {
            // Only a hole up to the end, or no end there any more.
            endsAt(file.size());
        }
        return data < end ? data : -1;
    }

    @Override
    public long nextHole(long offset) throws IOException {
        if (!isSparse) {
            return end;
        }
        try {
            return Math.min(end, file.nextHole(offset));
        } catch (IOException e) {
            long size = file.size();
            if (size > offset) {
                throw e;
            }
            endsAt(size);
            return offset;
        }
    }

    /** The size that it had first, or what was left of it. */
    @Override
    public long size() {
        return end;
    }

    @Override
    public int read(long offset, byte[] to, int at, int length) throws IOException {
        int bytes = reading.read(file, offset, to, at, length);
        if (bytes == 0) {
            endsAt(offset);
        }
        return bytes;
    }

    private void endsAt(long size) {
        end = Math.min(end, size);
    }
}
