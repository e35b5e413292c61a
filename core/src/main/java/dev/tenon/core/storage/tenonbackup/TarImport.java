package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.FileContent;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.SnapshotId;
import dev.tenon.core.backup.repository.SnapshotWriter;
import dev.tenon.core.backup.repository.TreeEntry;
import dev.tenon.core.backup.repository.TreeWriter;
import dev.tenon.core.backup.vma.BadArchiveException;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Takes PVE's archive of a container into a repository while it is read. The bytes of files are stored as they come; the entries
 * are held, at about 1 KiB each, until all have come, because a tree has another order.
 */
public final class TarImport {
    private static final Set<String> CONFIGS = Set.of("etc/vzdump/pct.conf", "etc/vzdump/vps.conf");
    private static final String FIREWALL = "etc/vzdump/pct.fw";
    private static final int LARGEST_CONFIG = 1 << 20;

    /** Of the names of directories that the archive has not. */
    private static final int LARGEST_MISSING = 16 << 20;

    private static final Pattern LIST_ENTRY =
            Pattern.compile("(user|group|mask|other):([^:]*):([-r][-w][-x])(?:\\s.*)?");

    private final TarReader archive;
    private final TreeWriter tree;
    private final Consumer<String> warnings;
    private final SortedMap<String, TreeEntry> entries = new TreeMap<>(TreeEntry::compare);
    private final Set<String> seen = new HashSet<>();

    /** Names of what has another name, by which it was there first. */
    private final Map<String, String> links = new HashMap<>();

    private final Set<String> named = new HashSet<>();
    private long size;
    private @Nullable RawConfig config;
    private @Nullable RawConfig firewall;

    private TarImport(TarReader archive, TreeWriter tree, Consumer<String> warnings) {
        this.archive = archive;
        this.tree = tree;
        this.warnings = warnings;
    }

    /**
     * Imports an archive.
     *
     * @param in the archive, not compressed; not closed
     * @param warnings is told in one sentence of what cannot be kept
     * @throws StorageException {@code ALREADY_EXISTS} if the guest has a backup of this time
     * @throws BadArchiveException if the archive is damaged or cut; nothing is in the repository then
     */
    public static Snapshot run(
            Repository repository,
            String namespace,
            Vmid guest,
            Instant time,
            InputStream in,
            Consumer<String> warnings)
            throws IOException {
        SnapshotId id = new SnapshotId(namespace, GuestType.LXC, guest, time);
        if (repository.find(id).isPresent()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS, "there is a backup " + Quoted.of(id.toString()) + " already");
        }
        try (SnapshotWriter writer = repository.write(namespace, GuestType.LXC, guest, time)) {
            TarImport run = new TarImport(new TarReader(in), writer.tree(), warnings);
            run.read();
            run.link();
            run.addParents(time);
            for (TreeEntry entry : run.entries.values()) {
                run.tree.add(entry);
            }
            RawConfig found = run.config;
            if (found == null) {
                throw new BadArchiveException("the archive has no configuration 'etc/vzdump/pct.conf'");
            }
            return writer.publish(found, run.firewall);
        }
    }

    private void read() throws IOException {
        for (TarReader.Member member = archive.next(); member != null; member = archive.next()) {
            TreeEntry entry = member.entry();
            String path = path(entry.path());
            try {
                size = Math.addExact(size, member.size());
            } catch (ArithmeticException e) {
                throw new BadArchiveException(
                        "the archive has files that together are larger than any storage; the last is "
                                + Quoted.of(entry.path()));
            }
            if (CONFIGS.contains(path) || path.equals(FIREWALL)) {
                takeConfig(path, member);
                continue;
            }
            if (!seen.add(path)) {
                // As tar does: the last one counts.
                tree.settle();
                entries.remove(path);
                links.remove(path);
            }
            if (entry.kind() == TreeEntry.Kind.HARD_LINK) {
                links.put(path, path(entry.target()));
            } else {
                TreeEntry named = named(entry, path, withLists(member));
                if (entry.kind() == TreeEntry.Kind.FILE) {
                    tree.store(named, new Bytes(member), stored -> entries.put(path, stored));
                } else {
                    entries.put(path, named);
                }
            }
        }
        tree.settle();
    }

    /** The first one is that of the backup; what follows may be the tree's own of the same name. */
    private void takeConfig(String path, TarReader.Member member) throws IOException {
        if (member.entry().kind() != TreeEntry.Kind.FILE) {
            return;
        }
        if (path.equals(FIREWALL)) {
            byte[] bytes = archive.all(LARGEST_CONFIG);
            firewall = firewall == null && bytes.length > 0 ? RawConfig.of(bytes) : firewall;
        } else if (config == null) {
            config = RawConfig.of(archive.all(LARGEST_CONFIG));
        }
    }

    private static String path(String name) throws BadArchiveException {
        String path = name.replaceFirst("^(\\./+)+", "").replaceFirst("/+$", "");
        if (path.equals(".")) {
            return "";
        }
        for (String part : path.isEmpty() ? new String[0] : path.split("/", -1)) {
            if (part.isEmpty() || part.equals("..") || part.equals(".")) {
                throw new BadArchiveException(
                        "the archive has a name that no backup of a container has: " + Quoted.of(name));
            }
        }
        return path;
    }

    private static TreeEntry named(TreeEntry entry, String path, SortedMap<String, byte[]> attributes) {
        return new TreeEntry(
                path,
                entry.kind(),
                entry.mode(),
                entry.owner(),
                entry.group(),
                entry.seconds(),
                entry.nanos(),
                entry.known(),
                entry.major(),
                entry.minor(),
                entry.target(),
                attributes,
                entry.content());
    }

    private SortedMap<String, byte[]> withLists(TarReader.Member member) {
        SortedMap<String, byte[]> attributes = new TreeMap<>(member.entry().attributes());
        member.lists().forEach((name, text) -> {
            byte[] list = list(text, this::number);
            if (list != null) {
                attributes.putIfAbsent("system.posix_acl_" + name, list);
            } else {
                warnings.accept("the access list of " + Quoted.of(member.entry().path()) + " is left out: it has names"
                        + " that this host does not know, " + Quoted.of(text.strip()));
            }
        });
        return attributes;
    }

    /**
     * The number of a user or group of this host. tar writes names into access lists, even where it is asked for numbers, and
     * PVE's restore takes them as this host has them, too.
     */
    private @Nullable Integer number(boolean isUser, String name) {
        Path file = Path.of(isUser ? "/etc/passwd" : "/etc/group");
        try (Stream<String> lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
            String line = lines.filter(each -> each.startsWith(name + ":"))
                    .findFirst()
                    .orElse("");
            Matcher known = Pattern.compile("[^:]*:[^:]*:([0-9]{1,9}):.*").matcher(line);
            if (!known.matches()) {
                return null;
            }
            if (named.add(file + name)) {
                warnings.accept("access lists name the " + (isUser ? "user " : "group ") + Quoted.of(name)
                        + ", which is taken for number " + known.group(1) + ", as on this host");
            }
            return Integer.valueOf(known.group(1));
        } catch (IOException e) {
            return null;
        }
    }

    /** Finds the number of a user or a group; null if there is none of this name. */
    interface Numbers {
        @Nullable
        Integer of(boolean isUser, String name);
    }

    /** An access list as the kernel has it; null if a name in it has no number. */
    static byte @Nullable [] list(String text, Numbers numbers) {
        String[] parts = text.strip().split("[,\n]", -1);
        ByteBuffer list = ByteBuffer.allocate(4 + 8 * parts.length).order(ByteOrder.LITTLE_ENDIAN);
        list.putInt(2);
        for (String part : parts) {
            Matcher entry = LIST_ENTRY.matcher(part.strip());
            if (!entry.matches()) {
                return null;
            }
            String name = entry.group(2);
            boolean isNamed = !name.isEmpty();
            int tag = switch (entry.group(1)) {
                case "user" -> isNamed ? 2 : 1;
                case "group" -> isNamed ? 8 : 4;
                case "mask" -> 16;
                default -> 32;
            };
            int id = -1;
            if (isNamed) {
                Integer known = name.matches("[0-9]{1,9}")
                        ? Integer.valueOf(name)
                        : numbers.of(entry.group(1).equals("user"), name);
                if (known == null) {
                    return null;
                }
                id = known;
            }
            String rights = entry.group(3);
            int bits = (rights.charAt(0) == 'r' ? 4 : 0)
                    | (rights.charAt(1) == 'w' ? 2 : 0)
                    | (rights.charAt(2) == 'x' ? 1 : 0);
            list.putShort((short) tag).putShort((short) bits).putInt(id);
        }
        return list.array();
    }

    /** The first name in the order becomes the file, and all others links to it. */
    private void link() throws BadArchiveException {
        Map<String, List<String>> names = new TreeMap<>();
        Map<String, String> known = new HashMap<>();
        for (String link : links.keySet()) {
            String first = first(link, known);
            TreeEntry file = first == null ? null : entries.get(first);
            if (first == null || file == null || file.kind() == TreeEntry.Kind.DIRECTORY) {
                throw new BadArchiveException("the archive has a link " + Quoted.of(link) + " to "
                        + Quoted.of(String.valueOf(links.get(link))) + ", which is no file in it");
            }
            names.computeIfAbsent(first, _ -> new ArrayList<>()).add(link);
        }
        names.forEach((first, others) -> {
            TreeEntry file = entries.get(first);
            others.add(first);
            others.sort(TreeEntry::compare);
            String smallest = others.getFirst();
            for (String name : others) {
                entries.put(name, hardLink(name, smallest));
            }
            if (file != null) {
                entries.put(smallest, named(file, smallest, new TreeMap<>(file.attributes())));
            }
        });
    }

    /**
     * What a link leads to, over other links; null if it leads back to itself.
     *
     * @param known what is known of links, and gets what is found, so that a long way is gone once
     */
    private @Nullable String first(String link, Map<String, String> known) {
        List<String> way = new ArrayList<>();
        String at = link;
        while (links.containsKey(at) && !known.containsKey(at)) {
            if (way.size() == links.size()) {
                return null;
            }
            way.add(at);
            at = links.getOrDefault(at, at);
        }
        String first = known.getOrDefault(at, at);
        way.forEach(each -> known.put(each, first));
        return first;
    }

    private static TreeEntry hardLink(String name, String target) {
        return new TreeEntry(
                name,
                TreeEntry.Kind.HARD_LINK,
                0,
                0,
                0,
                0,
                0,
                TreeEntry.Known.NOT,
                0,
                0,
                target,
                new TreeMap<>(),
                TreeEntry.Content.NONE);
    }

    /** A directory that was left out has still to be there for what is in it. */
    private void addParents(Instant time) throws BadArchiveException {
        Set<String> missing = new HashSet<>();
        missing.add("");
        long length = 0;
        for (String path : entries.keySet()) {
            for (int slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
                String parent = path.substring(0, slash);
                if (entries.containsKey(parent) || !missing.add(parent)) {
                    break;
                }
                length += slash;
                if (length > LARGEST_MISSING) {
                    throw new BadArchiveException(
                            "the archive has too many files in directories that it has not; the last is in "
                                    + Quoted.of(parent.substring(0, Math.min(200, slash))));
                }
            }
        }
        missing.removeAll(entries.keySet());
        for (String path : missing) {
            entries.put(
                    path,
                    new TreeEntry(
                            path,
                            TreeEntry.Kind.DIRECTORY,
                            0755,
                            0,
                            0,
                            time.getEpochSecond(),
                            0,
                            TreeEntry.Known.NOT,
                            0,
                            0,
                            "",
                            new TreeMap<>(),
                            TreeEntry.Content.NONE));
        }
    }

    /** The bytes of a file, which come one after the other: no offset is before the last one. */
    private final class Bytes implements TreeWriter.Source {
        private final TarReader.Member member;
        private int next;

        Bytes(TarReader.Member member) {
            this.member = member;
        }

        @Override
        public long nextData(long offset) {
            FileContent.Data data = at(offset);
            return data == null ? -1 : Math.max(offset, data.offset());
        }

        @Override
        public long nextHole(long offset) {
            FileContent.Data data = at(offset);
            return data == null || offset < data.offset() ? offset : data.offset() + data.length();
        }

        /** The data that are at an offset, or are the next behind it; null if there are none. */
        private FileContent.@Nullable Data at(long offset) {
            List<FileContent.Data> all = member.data();
            while (next < all.size()
                    && offset >= all.get(next).offset() + all.get(next).length()) {
                next++;
            }
            return next < all.size() ? all.get(next) : null;
        }

        @Override
        public long size() {
            return member.size();
        }

        @Override
        public int read(long offset, byte[] to, int at, int length) throws IOException {
            return archive.read(to, at, length);
        }
    }
}
