package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.nbd.ServedDisk;
import dev.tenon.core.backup.repository.TreeEntry;
import dev.tenon.core.backup.repository.TreeReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tree of a snapshot as a tar archive that is nowhere: what is read of it is made then. */
final class TarImage implements ServedDisk {
    private static final int RECORD = 20 * TarHeader.BLOCK;
    private static final int CACHED = 4;

    private final TreeReader tree;

    /** Where the members of each chunk of entries begin, and where the last ones end. */
    private final long[] starts;

    private final Map<Integer, Members> cache = new LinkedHashMap<>(CACHED, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Members> eldest) {
            return size() > CACHED;
        }
    };

    /** Members, and where each begins. */
    private static final class Members {
        private final List<TarMember> members;
        private final long[] starts;

        Members(List<TarMember> members, long[] starts) {
            this.members = members;
            this.starts = starts;
        }
    }

    /** Reads all entries once, and no bytes of files. */
    TarImage(TreeReader tree) throws IOException {
        this.tree = tree;
        this.starts = new long[tree.count() + 1];
        for (int i = 0; i < tree.count(); i++) {
            starts[i + 1] =
                    starts[i] + members(i).stream().mapToLong(TarMember::length).sum();
        }
    }

    private List<TarMember> members(int chunk) throws IOException {
        List<TarMember> members = new ArrayList<>();
        for (TreeEntry entry : tree.entries(chunk)) {
            boolean isHard = entry.kind() == TreeEntry.Kind.HARD_LINK;
            members.add(TarMember.of(
                    entry,
                    TarHeader.name(entry.path()),
                    isHard ? TarHeader.name(entry.target()) : entry.target(),
                    tree));
        }
        return members;
    }

    @Override
    public long size() {
        // Two blocks of zeroes are the end.
        return (starts[starts.length - 1] + 2 * TarHeader.BLOCK + RECORD - 1) / RECORD * RECORD;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        long at = offset;
        while (into.hasRemaining() && at < starts[starts.length - 1]) {
            int chunk = last(starts, at);
            Members members = cached(chunk);
            int member = last(members.starts, at);
            TarMember found = members.members.get(member);
            long begin = at - members.starts[member];
            int length = (int) Math.min(into.remaining(), found.length() - begin);
            found.read(begin, into.slice(into.position(), length));
            into.position(into.position() + length);
            at += length;
        }
        while (into.hasRemaining()) {
            into.put((byte) 0);
        }
    }

    /** The last that does not begin behind an offset. */
    private static int last(long[] starts, long offset) {
        int found = Arrays.binarySearch(starts, offset);
        return found >= 0 ? found : -found - 2;
    }

    private Members cached(int chunk) throws IOException {
        @Nullable Members known;
        synchronized (cache) {
            known = cache.get(chunk);
        }
        if (known != null) {
            return known;
        }
        List<TarMember> members = members(chunk);
        long[] begins = new long[members.size()];
        long at = starts[chunk];
        for (int i = 0; i < begins.length; i++) {
            begins[i] = at;
            at += members.get(i).length();
        }
        Members made = new Members(members, begins);
        synchronized (cache) {
            cache.put(chunk, made);
        }
        return made;
    }
}
