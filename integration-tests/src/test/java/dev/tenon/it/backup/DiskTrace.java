package dev.tenon.it.backup;

import dev.tenon.it.support.Strace;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a program did to the files below a directory, and what a disk may have of it after a power cut. A write is sure when its
 * file was synced after it; a new, removed or other name when its directory was. Of the rest any part may be there.
 */
final class DiskTrace {
    /** The system calls that are needed; strace must write all bytes, in hexadecimal. */
    static final String CALLS = "trace=openat,write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,rename,renameat,"
            + "renameat2,mkdir,mkdirat,unlink,unlinkat,rmdir,close,dup,dup2,lseek";

    private static final Pattern STRING = Pattern.compile("\"((?:\\\\x[0-9a-f]{2})*)\"(\\.\\.\\.)?");

    /** Something that was done. */
    sealed interface Step {
        /** Bytes of a file. */
        record Write(int file, long offset, ByteBuffer bytes) implements Step {}

        /** A new size of a file. */
        record Cut(int file, long size) implements Step {}

        /** A file has another name than before; empty if it had none, or has none. */
        record Name(int file, String from, String to) implements Step {}

        /** A directory was made. */
        record Made(String directory) implements Step {}

        /** A directory was removed, or has another name. */
        record Moved(String directory, String to) implements Step {}

        /** All writes of a file are sure. */
        record Synced(int file) implements Step {}

        /** All names in a directory are sure. */
        record SyncedNames(String directory) implements Step {}

        /** The program said something. */
        record Said(String line) implements Step {}
    }

    private final List<Step> steps = new ArrayList<>();
    private final String root;
    private final Map<String, Integer> files = new HashMap<>();
    private final TreeSet<String> directories = new TreeSet<>();
    private final Map<Integer, Open> open = new HashMap<>();
    private int count;

    private static final class Open {
        private final int file;
        private final String directory;
        private long at;

        Open(int file, String directory) {
            this.file = file;
            this.directory = directory;
        }
    }

    private DiskTrace(Path root) {
        this.root = root.toString();
    }

    /** What these calls did below a directory that was not there. */
    static DiskTrace of(List<Strace.Call> calls, Path root) throws IOException {
        DiskTrace trace = new DiskTrace(root);
        for (Strace.Call call : calls) {
            if (call.result() >= 0) {
                trace.add(call);
            }
        }
        return trace;
    }

    List<Step> steps() {
        return steps;
    }

    private boolean isInside(String path) {
        return path.equals(root) || path.startsWith(root + "/");
    }

    private static String parent(String path) {
        return path.substring(0, path.lastIndexOf('/'));
    }

    private void add(Strace.Call call) throws IOException {
        List<byte[]> strings = new ArrayList<>();
        Matcher matcher = STRING.matcher(call.arguments());
        while (matcher.find()) {
            if (matcher.group(2) != null) {
                throw new IOException("strace has cut a string: " + call.name());
            }
            strings.add(bytes(matcher.group(1)));
        }
        String[] words = call.arguments().split(", ", -1);
        switch (call.name()) {
            case "openat" -> opened(text(strings.getFirst()), call.arguments(), (int) call.result());
            case "close" -> open.remove(Integer.parseInt(words[0]));
            case "write", "writev" -> written(Integer.parseInt(words[0]), -1, strings, call.result());
            case "pwrite64", "pwritev" ->
                written(Integer.parseInt(words[0]), Long.parseLong(words[words.length - 1]), strings, call.result());
            case "lseek" -> {
                Open file = open.get(Integer.parseInt(words[0]));
                if (file != null) {
                    file.at = call.result();
                }
            }
            case "ftruncate" -> {
                Open file = open.get(Integer.parseInt(words[0]));
                if (file != null) {
                    steps.add(new Step.Cut(file.file, Long.parseLong(words[1])));
                }
            }
            case "fsync", "fdatasync" -> {
                Open file = open.get(Integer.parseInt(words[0]));
                if (file != null) {
                    steps.add(
                            file.directory.isEmpty()
                                    ? new Step.Synced(file.file)
                                    : new Step.SyncedNames(file.directory));
                }
            }
            case "rename", "renameat", "renameat2" -> renamed(text(strings.get(0)), text(strings.get(1)));
            case "mkdir", "mkdirat" -> {
                String path = text(strings.getFirst());
                if (isInside(path)) {
                    directories.add(path);
                    steps.add(new Step.Made(path));
                }
            }
            case "unlink", "unlinkat", "rmdir" -> removed(text(strings.getFirst()));
            default -> {}
        }
    }

    private static byte[] bytes(String hex) {
        byte[] bytes = new byte[hex.length() / 4];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(hex.substring(4 * i + 2, 4 * i + 4), 16);
        }
        return bytes;
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private void opened(String path, String arguments, int descriptor) {
        open.remove(descriptor);
        if (path.equals(parent(root))) {
            open.put(descriptor, new Open(-1, path));
        }
        if (!isInside(path)) {
            return;
        }
        if (directories.contains(path)) {
            open.put(descriptor, new Open(-1, path));
            return;
        }
        Integer file = files.get(path);
        if (file == null) {
            file = count++;
            files.put(path, file);
            steps.add(new Step.Name(file, "", path));
        } else if (arguments.contains("O_TRUNC")) {
            steps.add(new Step.Cut(file, 0));
        }
        open.put(descriptor, new Open(file, ""));
    }

    private void written(int descriptor, long offset, List<byte[]> strings, long length) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] each : strings) {
            all.write(each);
        }
        byte[] bytes = Arrays.copyOf(all.toByteArray(), (int) length);
        if (descriptor == 1) {
            text(bytes).lines().filter(line -> !line.isEmpty()).forEach(line -> steps.add(new Step.Said(line)));
            return;
        }
        Open file = open.get(descriptor);
        if (file != null) {
            long at = offset < 0 ? file.at : offset;
            steps.add(new Step.Write(file.file, at, ByteBuffer.wrap(bytes)));
            if (offset < 0) {
                file.at += length;
            }
        }
    }

    private void renamed(String from, String to) {
        if (!isInside(from)) {
            return;
        }
        Integer file = files.remove(from);
        if (file != null) {
            files.put(to, file);
            steps.add(new Step.Name(file, from, to));
        } else if (directories.remove(from)) {
            directories.add(to);
            steps.add(new Step.Moved(from, to));
        }
    }

    private void removed(String path) {
        Integer file = files.remove(path);
        if (file != null) {
            steps.add(new Step.Name(file, path, ""));
        } else if (directories.remove(path)) {
            steps.add(new Step.Moved(path, ""));
        }
    }

    /** Which of the first steps may be missing after a power cut. */
    List<Integer> unsure(int until) {
        List<Integer> unsure = new ArrayList<>();
        for (int i = 0; i < until; i++) {
            if (!isSure(i, until)) {
                unsure.add(i);
            }
        }
        return unsure;
    }

    private boolean isSure(int number, int until) {
        Step step = steps.get(number);
        for (Step later : steps.subList(number + 1, until)) {
            boolean isSynced = switch (step) {
                case Step.Write write -> later instanceof Step.Synced(int file) && file == write.file();
                case Step.Cut cut -> later instanceof Step.Synced(int file) && file == cut.file();
                case Step.Name name ->
                    later instanceof Step.SyncedNames(String directory)
                            && directory.equals(parent(name.to().isEmpty() ? name.from() : name.to()));
                case Step.Made made ->
                    later instanceof Step.SyncedNames(String directory) && directory.equals(parent(made.directory()));
                case Step.Moved moved ->
                    later instanceof Step.SyncedNames(String directory)
                            && directory.equals(parent(moved.to().isEmpty() ? moved.directory() : moved.to()));
                default -> true;
            };
            if (isSynced) {
                return true;
            }
        }
        return !(step instanceof Step.Write
                || step instanceof Step.Cut
                || step instanceof Step.Name
                || step instanceof Step.Made
                || step instanceof Step.Moved);
    }

    /** What the disk has then. */
    record Disk(TreeMap<String, byte[]> files, TreeSet<String> directories) {
        /** Makes it real, without what was before. */
        void writeTo(String from, Path to) throws IOException {
            for (String directory : directories) {
                Files.createDirectories(Path.of(to + directory.substring(from.length())));
            }
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                Files.write(Path.of(to + file.getKey().substring(from.length())), file.getValue());
            }
        }
    }

    String root() {
        return root;
    }

    /**
     * The disk after a power cut.
     *
     * @param until how many steps were done
     * @param lost which of them did not reach the disk
     * @param torn the write of which only the first half did; -1 if none
     */
    Disk after(int until, BitSet lost, int torn) {
        Map<Integer, byte[]> contents = new HashMap<>();
        Map<String, Integer> names = new TreeMap<>();
        TreeSet<String> made = new TreeSet<>();
        for (int i = 0; i < until; i++) {
            if (lost.get(i)) {
                continue;
            }
            boolean isTorn = i == torn;
            switch (steps.get(i)) {
                case Step.Write write -> {
                    int length = isTorn
                            ? write.bytes().capacity() / 2
                            : write.bytes().capacity();
                    byte[] before = contents.getOrDefault(write.file(), new byte[0]);
                    int end = (int) write.offset() + length;
                    byte[] after = Arrays.copyOf(before, Math.max(before.length, end));
                    write.bytes().get(0, after, (int) write.offset(), length);
                    contents.put(write.file(), after);
                }
                case Step.Cut cut ->
                    contents.put(cut.file(), Arrays.copyOf(contents.getOrDefault(cut.file(), new byte[0]), (int)
                            cut.size()));
                case Step.Name name -> {
                    names.remove(name.from(), name.file());
                    if (!name.to().isEmpty() && made.contains(parent(name.to()))) {
                        names.put(name.to(), name.file());
                    }
                }
                case Step.Made directory -> {
                    if (directory.directory().equals(root) || made.contains(parent(directory.directory()))) {
                        made.add(directory.directory());
                    }
                }
                case Step.Moved moved -> {
                    if (made.remove(moved.directory()) && !moved.to().isEmpty()) {
                        made.add(moved.to());
                        for (String name : List.copyOf(names.keySet())) {
                            if (parent(name).equals(moved.directory())) {
                                names.put(
                                        moved.to()
                                                + name.substring(
                                                        moved.directory().length()),
                                        names.remove(name));
                            }
                        }
                    }
                }
                case Step.Synced _, Step.SyncedNames _, Step.Said _ -> {}
            }
        }
        TreeMap<String, byte[]> all = new TreeMap<>();
        // A directory whose removal was kept and whose files' was not is there as an empty one.
        names.forEach((name, file) -> {
            if (made.contains(parent(name))) {
                all.put(name, contents.getOrDefault(file, new byte[0]));
            }
        });
        return new Disk(all, made);
    }
}
