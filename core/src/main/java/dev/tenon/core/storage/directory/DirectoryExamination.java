package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.image.QemuImg;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.linux.FileSystemStatus;
import dev.tenon.core.linux.OpenFiles;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Finding.Remedy;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Looks in a storage that is a directory for what interrupted work leaves. */
final class DirectoryExamination {
    private static final int WRITE_BITS = 0222;

    private static final List<ContentType> STAGED_CONTENT =
            List.of(ContentType.BACKUP, ContentType.ISO, ContentType.VZTMPL, ContentType.SNIPPETS, ContentType.IMPORT);

    private static final Duration PASSING = Duration.ofSeconds(1);
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final StoragePlugin plugin;
    private final Storage storage;
    private final Function<VolumeName, ImageLocation> locating;
    private final List<Finding> findings = new ArrayList<>();

    /**
     * Of this storage.
     *
     * @param locating where the image of a guest is; throws if the name is not that of one
     */
    DirectoryExamination(StoragePlugin plugin, Storage storage, Function<VolumeName, ImageLocation> locating) {
        this.plugin = plugin;
        this.storage = storage;
        this.locating = locating;
    }

    /**
     * The files of an image before an operation changes them.
     *
     * @return the identity of each by its name
     */
    static Map<String, String> witness(Path image) {
        Map<String, String> witness = new HashMap<>();
        String name = String.valueOf(image.getFileName());
        FileIdentity.of(image).ifPresent(identity -> witness.put(name, identity.text()));
        if (name.endsWith(".qcow2")) {
            try {
                Path directory = image.resolveSibling(".").normalize();
                for (String other : DirectoryNames.in(directory)) {
                    if (SnapshotChain.isSnapshotOf(other, image)) {
                        FileIdentity.of(directory.resolve(other))
                                .ifPresent(identity -> witness.put(other, identity.text()));
                    }
                }
            } catch (IOException e) {
                return witness;
            }
        }
        return witness;
    }

    /** Removes what processes that have ended left unfinished; failing to is only logged. */
    void sweep() {
        for (Path directory : stagingPlaces()) {
            StagingDirectories.sweep(directory);
        }
    }

    private List<Path> stagingPlaces() {
        List<Path> places = new ArrayList<>();
        try {
            places.addAll(guestDirectories());
        } catch (StorageException e) {
            // what cannot be read now is not swept now
        }
        places.addAll(contentDirectories());
        return places;
    }

    /** Those in which files are made that are no images of guests. */
    private Set<Path> contentDirectories() {
        Set<Path> directories = new LinkedHashSet<>();
        for (ContentType type : STAGED_CONTENT) {
            directory(type).ifPresent(directories::add);
        }
        return directories;
    }

    private Optional<Path> directory(ContentType type) {
        try {
            return Optional.of(Paths.of(plugin.getSubdir(storage, type))).filter(Files::isDirectory);
        } catch (StorageException e) {
            return Optional.empty();
        }
    }

    private List<Path> guestDirectories() {
        Optional<Path> images = directory(ContentType.IMAGES);
        if (images.isEmpty()) {
            return List.of();
        }
        return names(images.get()).stream()
                .filter(VolumeNames::isGuestDirectory)
                .map(images.get()::resolve)
                .filter(directory -> Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS))
                .toList();
    }

    private List<String> names(Path directory) {
        try {
            return DirectoryNames.in(directory);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        } catch (IOException e) {
            throw Failures.of(
                    e, Outcome.NOT_STARTED, "unable to examine storage '" + storage.id() + "' in '" + directory + "'");
        }
    }

    /**
     * An image, or a snapshot that is a file.
     *
     * @param backing the file it is based on, null if none or no file
     */
    private record Found(
            Path file, boolean isSnapshot, @Nullable Path backing) {
        String name() {
            return String.valueOf(file.getFileName());
        }
    }

    List<Finding> run(List<Interruption> interruptions) {
        Path base = Paths.of(ContentDirectories.base(storage));
        if (!Files.isDirectory(base)) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE,
                    "unable to examine storage '" + storage.id() + "' - directory '" + base
                            + "' does not exist or is unreachable");
        }
        Causes causes = new Causes(interruptions);
        List<Found> found = new ArrayList<>();
        for (Path directory : guestDirectories()) {
            examineStaging(directory);
            examineDirectory(directory, found);
        }
        examineSecondNames(found, causes);
        Snapshots snapshots = new Snapshots(found, causes);
        snapshots.examine();
        interruptions.forEach(this::examineInterrupted);
        contentDirectories().forEach(this::examineStaging);
        directory(ContentType.BACKUP).ifPresent(dump -> examineSideFiles(dump, causes));
        return List.copyOf(findings);
    }

    private void automatic(Kind kind, Path place, String what, String repair, @Nullable Interruption cause, Work work) {
        findings.add(new Finding(
                kind,
                place.toString(),
                what,
                Certainty.SURE,
                new Remedy.Automatic(repair, () -> {
                    try {
                        work.run();
                    } catch (IOException e) {
                        throw Failures.of(e, Outcome.UNKNOWN, "unable to repair '" + place + "'");
                    }
                }),
                cause == null ? null : cause.id()));
    }

    private void byHand(
            Kind kind, Path place, String what, Certainty certainty, String advice, @Nullable Interruption cause) {
        findings.add(new Finding(
                kind, place.toString(), what, certainty, new Remedy.ByHand(advice), cause == null ? null : cause.id()));
    }

    private interface Work {
        void run() throws IOException;
    }

    private void examineStaging(Path parent) {
        try {
            for (Path directory : StagingDirectories.abandonedIn(parent)) {
                automatic(
                        Kind.UNFINISHED,
                        directory,
                        "'" + directory + "' holds what a process that has ended was making or removing",
                        "remove it",
                        null,
                        () -> StagingDirectories.remove(directory));
            }
        } catch (IOException e) {
            throw Failures.of(
                    e, Outcome.NOT_STARTED, "unable to examine storage '" + storage.id() + "' in '" + parent + "'");
        }
    }

    private void examineDirectory(Path directory, List<Found> found) {
        if (isEmpty(directory)) {
            automatic(
                    Kind.DIRECTORY_EMPTY,
                    directory,
                    "directory '" + directory + "' is of a guest that has no images here",
                    "remove it if it is still empty",
                    null,
                    () -> removeEmpty(directory));
        }
        for (String name : names(directory)) {
            Path file = directory.resolve(name);
            if (SnapshotChain.isSnapshotName(name)) {
                examineImage(file, Format.Image.QCOW2, true).ifPresent(found::add);
            } else {
                VolumeNames.ImageName.find(name).ifPresent(image -> {
                    examineImage(file, image.format(), false).ifPresent(found::add);
                    if (name.startsWith("base-")) {
                        examineProtection(file);
                    }
                });
            }
        }
    }

    private static void removeEmpty(Path directory) throws IOException {
        try {
            Files.deleteIfExists(directory);
        } catch (DirectoryNotEmptyException e) {
            // somebody uses it now
        }
    }

    private boolean isEmpty(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.findAny().isEmpty();
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            throw Failures.of(
                    e, Outcome.NOT_STARTED, "unable to examine storage '" + storage.id() + "' in '" + directory + "'");
        }
    }

    private Optional<Found> examineImage(Path file, Format.Image format, boolean isSnapshot) {
        ImageInfo info;
        try {
            info = ImageInfo.read(file, format);
        } catch (NoSuchFileException e) {
            return Optional.empty(); // gone meanwhile, or a link to nothing
        } catch (IOException e) {
            unreadable(file, format, Failures.reason(e));
            return Optional.of(new Found(file, isSnapshot, null));
        }
        if (info.defect() != null) {
            unreadable(file, format, info.defect());
        }
        Path backing = backing(file, info.backingFile());
        if (backing != null && !Files.exists(backing)) {
            byHand(
                    Kind.BACKING_MISSING,
                    file,
                    "image '" + file + "' is based on " + Quoted.of(String.valueOf(info.backingFile()))
                            + ", which is missing, so nothing of it can be read",
                    Certainty.SURE,
                    "put '" + backing
                            + "' back, from a backup or from wherever it was moved; if nobody needs the image,"
                            + " free it",
                    null);
        }
        return Optional.of(new Found(file, isSnapshot, backing));
    }

    private void unreadable(Path file, Format.Image format, String why) {
        byHand(
                Kind.IMAGE_UNREADABLE,
                file,
                "'" + file + "' is no image of format '" + format.word() + "', as its name says: " + why,
                Certainty.SURE,
                "restore it from a backup, or free it if nobody needs it",
                null);
    }

    /** A name with a protocol is none of a file of the storage. */
    private static @Nullable Path backing(Path file, @Nullable String name) {
        if (name == null) {
            return null;
        }
        int colon = name.indexOf(':');
        int slash = name.indexOf('/');
        if (colon >= 0 && (slash < 0 || colon < slash)) {
            return null;
        }
        try {
            return file.resolveSibling(Path.of(name)).normalize();
        } catch (InvalidPathException e) {
            return null;
        }
    }

    private void examineProtection(Path file) {
        try {
            boolean isWritable = (FileStatus.ofLink(file).permissions() & WRITE_BITS) != 0;
            // Where files have no modes of their own, a base image cannot be protected.
            if (isWritable && FileSystemStatus.of(file).hasModes()) {
                automatic(
                        Kind.BASE_WRITABLE,
                        file,
                        "base image '" + file + "' may be written, which would spoil its linked clones",
                        "make it read-only",
                        null,
                        () -> BaseImages.protect(file));
            }
        } catch (NoSuchFileException e) {
            // gone meanwhile
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to examine '" + file + "'");
        }
    }

    /** Where a file system cannot rename without replacing, a file has both names for a moment. */
    private void examineSecondNames(List<Found> found, Causes causes) {
        Map<FileIdentity, List<Path>> names = new HashMap<>();
        for (Found image : found) {
            if (!image.isSnapshot()) {
                FileIdentity.of(image.file())
                        .ifPresent(identity -> names.computeIfAbsent(identity, _ -> new ArrayList<>())
                                .add(image.file()));
            }
        }
        for (List<Path> same : names.values()) {
            if (same.size() < 2) {
                continue;
            }
            Path first = same.getFirst();
            String what = "images "
                    + same.stream().map(path -> "'" + path + "'").toList() + " are one file under several names";
            Optional<Interruption> cause = causes.of(Set.of("renameVolume", "createBase"), same);
            if (cause.isPresent() && same.size() == 2) {
                Path old = causes.image(cause.get()).orElse(first);
                Path other = same.get(same.get(0).equals(old) ? 1 : 0);
                automatic(
                        Kind.SECOND_NAME,
                        old,
                        what + ", because its renaming was interrupted",
                        "remove the old name '" + old + "'",
                        cause.get(),
                        () -> removeSecondName(old, other));
            } else {
                byHand(
                        Kind.SECOND_NAME,
                        first,
                        what + ", and what is written to one changes the other",
                        Certainty.SURE,
                        "remove the name that no guest uses",
                        null);
            }
        }
    }

    private static void removeSecondName(Path name, Path other) throws IOException {
        if (FileIdentity.isSame(name, other)) {
            Files.delete(name);
        }
    }

    /** What is left of single operations inside images. */
    private void examineInterrupted(Interruption interruption) {
        VolumeName volume = interruption.volume();
        if (volume == null) {
            return;
        }
        ImageLocation image;
        try {
            image = locating.apply(volume);
        } catch (StorageException e) {
            return;
        }
        if (!Files.exists(image.file(), LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        switch (interruption.operation()) {
            case "freeImage" -> {
                if (image.parsed().isBase()) {
                    automatic(
                            Kind.BASE_WRITABLE,
                            image.file(),
                            "base image '" + image.file()
                                    + "' was about to be removed and may not be protected any more",
                            "protect it",
                            interruption,
                            () -> BaseImages.protect(image.file()));
                }
            }
            case "resizeVolume", "snapshotVolume", "rollback" -> examineHealth(image, interruption);
            case "deleteSnapshot" -> {
                if (!hasSpoiltSnapshot(image, interruption)) {
                    examineHealth(image, interruption);
                }
            }
            default -> {}
        }
    }

    /** Whether the oldest snapshot was being deleted, which writes newer data into it. */
    private boolean hasSpoiltSnapshot(ImageLocation image, Interruption interruption) {
        SnapshotName snapshot = interruption.snapshot();
        if (snapshot == null
                || image.format() != Format.Image.QCOW2
                || "true".equals(interruption.parameters().get("isRunning"))) {
            return false;
        }
        if (!isOldestAndSame(image, snapshot, interruption)) {
            return false;
        }
        Path file = image.file().resolveSibling(snapshotFileName(image.file(), snapshot));
        String what = "snapshot '" + snapshot + "' of volume '" + image.volid()
                + "' was being deleted and may hold newer data, so that nobody may go back to it";
        for (SnapshotChain.Link link : SnapshotChain.read(image).links()) {
            OptionalLong holder = holder(link.file());
            if (holder.isPresent()) {
                inUse(link.file(), what, holder.getAsLong(), interruption);
                return true;
            }
        }
        automatic(
                Kind.SNAPSHOT_SPOILT,
                file,
                what,
                "finish its deletion; the volume keeps all it has",
                interruption,
                () -> {
                    if (isOldestAndSame(image, snapshot, interruption)) {
                        ChainSnapshots.delete(SnapshotChain.read(image), snapshot);
                    }
                });
        return true;
    }

    /**
     * The one that is based on it must be the same too: a file that was the oldest snapshot becomes the image when that is
     * deleted, and would be the oldest snapshot again if one of the same name was taken.
     */
    private static boolean isOldestAndSame(ImageLocation image, SnapshotName snapshot, Interruption interruption) {
        try {
            SnapshotChain chain = SnapshotChain.read(image);
            int last = chain.links().size() - 1;
            return last > 0
                    && chain.links().get(last).name().equals(snapshot.value())
                    && isWitnessed(chain.links().get(last).file(), interruption)
                    && isWitnessed(chain.links().get(last - 1).file(), interruption);
        } catch (StorageException e) {
            return false;
        }
    }

    /** Whether the file is the one that was there when the operation began. */
    private static boolean isWitnessed(Path file, Interruption interruption) {
        return isWitnessed(file, String.valueOf(file.getFileName()), interruption);
    }

    /** Whether the file is the one that had this name when the operation began. */
    private static boolean isWitnessed(Path file, String name, Interruption interruption) {
        String before = interruption.witness().get(name);
        return before != null
                && FileIdentity.of(file)
                        .filter(identity -> identity.text().equals(before))
                        .isPresent();
    }

    private static String snapshotFileName(Path image, SnapshotName snapshot) {
        return SnapshotChain.fileName(String.valueOf(image.getFileName()), snapshot);
    }

    private void examineHealth(ImageLocation image, Interruption interruption) {
        if (image.format() != Format.Image.QCOW2) {
            return;
        }
        List<Path> files = new ArrayList<>(List.of(image.file()));
        interruption.witness().keySet().stream()
                .filter(name -> SnapshotChain.isSnapshotOf(name, image.file()))
                .map(image.file()::resolveSibling)
                .filter(Files::exists)
                .forEach(files::add);
        for (Path file : files) {
            String what = interruption.operation() + " of volume '" + image.volid() + "' was interrupted";
            OptionalLong holder = holder(file);
            if (holder.isPresent()) {
                inUse(file, what, holder.getAsLong(), interruption);
            } else {
                examineHealth(file, what, interruption);
            }
        }
    }

    private void examineHealth(Path file, String what, Interruption interruption) {
        QemuImg.Health health;
        try {
            health = QemuImg.check(file, Format.Image.QCOW2);
        } catch (StorageException e) {
            byHand(
                    Kind.IN_USE,
                    file,
                    what + ", and whether '" + file + "' is sound cannot be told: " + e.getMessage(),
                    Certainty.LIKELY,
                    "examine the storage again when nobody uses the volume",
                    interruption);
            return;
        }
        switch (health) {
            case GOOD -> {}
            case LEAKS ->
                automatic(
                        Kind.SPACE_LEAKED,
                        file,
                        what + ", and '" + file + "' has space that nothing uses",
                        "give the space back (qemu-img check -r leaks)",
                        interruption,
                        () -> QemuImg.repairLeaks(file));
            case CORRUPT ->
                byHand(
                        Kind.IMAGE_CORRUPT,
                        file,
                        what + ", and the tables of '" + file + "' contradict each other",
                        Certainty.SURE,
                        "do not start its guest; copy the file, then try qemu-img check -r all on the copy, or restore a"
                                + " backup",
                        interruption);
        }
    }

    /** Who has the file open, and not only while another program is being started or is ending. */
    private static OptionalLong holder(Path file) {
        long limit = System.nanoTime() + PASSING.toNanos();
        OptionalLong holder = OpenFiles.holderOf(file);
        while (holder.isPresent()
                && System.nanoTime() < limit
                && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(PAUSE.toNanos());
            holder = OpenFiles.holderOf(file);
        }
        return holder;
    }

    private void inUse(Path file, String what, long pid, @Nullable Interruption cause) {
        byHand(
                Kind.IN_USE,
                file,
                what + "; process " + pid + " (" + OpenFiles.nameOf(pid) + ") has '" + file + "' open",
                Certainty.SURE,
                "examine the storage again when that has ended",
                cause);
    }

    private void examineSideFiles(Path dump, Causes causes) {
        Optional<Interruption> pruning = causes.of(Set.of("pruneBackups"));
        for (String name : names(dump)) {
            boolean isNotes = name.endsWith(BackupFiles.NOTES_SUFFIX);
            String archive = name.replaceFirst("\\.(?:notes|protected)$", "");
            if (archive.equals(name)
                    || !isBackup(archive)
                    || Files.exists(dump.resolve(archive), LinkOption.NOFOLLOW_LINKS)) {
                continue;
            }
            Path file = dump.resolve(name);
            String what = "'" + file + "' belongs to the backup '" + archive + "', which is missing";
            Interruption cause = causes.of(Set.of("freeImage"), List.of(dump.resolve(archive)))
                    .or(() -> isNotes ? pruning : Optional.empty())
                    .orElse(null);
            if (cause != null || isEmptyFile(file)) {
                automatic(Kind.SIDE_FILE_LEFT, file, what, "remove it", cause, () -> {
                    if (!Files.exists(dump.resolve(archive), LinkOption.NOFOLLOW_LINKS)) {
                        Files.deleteIfExists(file);
                    }
                });
            } else {
                byHand(
                        Kind.SIDE_FILE_LEFT,
                        file,
                        what,
                        Certainty.SURE,
                        "remove it if the backup was not merely moved away",
                        null);
            }
        }
    }

    private static boolean isEmptyFile(Path file) {
        try {
            FileStatus status = FileStatus.ofLink(file);
            return status.isRegularFile() && status.size() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isBackup(String name) {
        try {
            VolumeNames.parse(new VolumeName("backup/" + name));
            return true;
        } catch (StorageException e) {
            return false;
        }
    }

    /** The interruptions, by the images they were about. */
    private final class Causes {
        private final List<Interruption> interruptions;
        private final Map<String, Path> images = new HashMap<>();

        Causes(List<Interruption> interruptions) {
            this.interruptions = interruptions;
            for (Interruption interruption : interruptions) {
                VolumeName volume = interruption.volume();
                if (volume != null) {
                    try {
                        images.put(
                                interruption.id(),
                                Paths.of(plugin.filesystemPath(storage, volume, null)
                                                .path())
                                        .normalize());
                    } catch (StorageException e) {
                        // it was refused for the same reason
                    }
                }
            }
        }

        Optional<Path> image(Interruption interruption) {
            return Optional.ofNullable(images.get(interruption.id()));
        }

        Optional<Interruption> of(Set<String> operations) {
            return interruptions.stream()
                    .filter(interruption -> operations.contains(interruption.operation()))
                    .findFirst();
        }

        Optional<Interruption> of(Set<String> operations, List<Path> of) {
            return interruptions.stream()
                    .filter(interruption -> operations.contains(interruption.operation()))
                    .filter(interruption ->
                            image(interruption).filter(of::contains).isPresent())
                    .findFirst();
        }

        /** One of this operation whose image this file is a snapshot of. */
        Optional<Interruption> ofSnapshot(String operation, Path file, boolean needsSameName) {
            return interruptions.stream()
                    .filter(interruption -> operation.equals(interruption.operation()))
                    .filter(interruption -> image(interruption)
                            .filter(image -> isOf(file, image, needsSameName ? interruption.snapshot() : null))
                            .isPresent())
                    .filter(interruption -> !needsSameName || interruption.snapshot() != null)
                    .findFirst();
        }

        private static boolean isOf(Path file, Path image, @Nullable SnapshotName snapshot) {
            String name = String.valueOf(file.getFileName());
            return image.resolveSibling(name).equals(file)
                    && (snapshot == null
                            ? SnapshotChain.isSnapshotOf(name, image)
                            : name.equals(snapshotFileName(image, snapshot)));
        }
    }

    /** Snapshots that are files and on which nothing is based. */
    private final class Snapshots {
        private final List<Found> found;
        private final Causes causes;
        private final Map<Path, Found> byFile = new HashMap<>();
        private final Set<Path> used = new HashSet<>();

        Snapshots(List<Found> found, Causes causes) {
            this.found = found;
            this.causes = causes;
            for (Found image : found) {
                byFile.put(image.file(), image);
                if (image.backing() != null) {
                    used.add(image.backing());
                }
            }
        }

        void examine() {
            Map<Path, List<Found>> withoutImage = new HashMap<>();
            for (Found snapshot : found) {
                if (!snapshot.isSnapshot() || used.contains(snapshot.file())) {
                    continue;
                }
                List<Path> images = imagesOf(snapshot);
                if (images.size() == 1) {
                    examineLeft(snapshot, images.getFirst());
                } else if (images.isEmpty()) {
                    Optional<Path> missing = missingImageOf(snapshot);
                    if (missing.isPresent()) {
                        withoutImage
                                .computeIfAbsent(missing.get(), _ -> new ArrayList<>())
                                .add(snapshot);
                    } else {
                        left(snapshot, "nobody knows of which image it is");
                    }
                } else {
                    left(snapshot, "it may be of any of " + images);
                }
            }
            withoutImage.forEach(this::examineMissing);
        }

        private List<Path> imagesOf(Found snapshot) {
            return found.stream()
                    .filter(image -> !image.isSnapshot())
                    .map(Found::file)
                    .filter(image -> Causes.isOf(snapshot.file(), image, null))
                    .toList();
        }

        private Optional<Path> missingImageOf(Found snapshot) {
            for (String operation : List.of("freeImage", "snapshotVolume", "rollback", "deleteSnapshot")) {
                Optional<Path> image =
                        causes.ofSnapshot(operation, snapshot.file(), false).flatMap(causes::image);
                if (image.isPresent()) {
                    return image;
                }
            }
            return SnapshotChain.usualImageOf(snapshot.name()).map(snapshot.file()::resolveSibling);
        }

        private void left(Found snapshot, String why) {
            byHand(
                    Kind.SNAPSHOT_LEFT,
                    snapshot.file(),
                    "nothing is based on snapshot '" + snapshot.file() + "', and " + why,
                    Certainty.SURE,
                    "remove the file if nobody needs what is in it",
                    null);
        }

        private void examineLeft(Found snapshot, Path image) {
            Path file = snapshot.file();
            if (FileIdentity.isSame(file, image)) {
                automatic(
                        Kind.SECOND_NAME,
                        file,
                        "snapshot '" + file + "' is the image '" + image.getFileName()
                                + "' itself: it was being taken and is not",
                        "remove this name of it; the image stays",
                        causes.ofSnapshot("snapshotVolume", file, true).orElse(null),
                        () -> removeSecondName(file, image));
                return;
            }
            Optional<Interruption> deletion = causes.ofSnapshot("deleteSnapshot", file, true)
                    .filter(cause -> isWitnessed(file, cause) && isWitnessed(image, cause));
            if (deletion.isEmpty()) {
                left(snapshot, "the image '" + image.getFileName() + "' does not need it");
                return;
            }
            automatic(
                    Kind.SNAPSHOT_LEFT,
                    file,
                    "nothing is based on snapshot '" + file + "' any more: it was being deleted",
                    "remove the file",
                    deletion.get(),
                    () -> {
                        if (isWitnessed(file, deletion.get())) {
                            Files.delete(file);
                        }
                    });
        }

        private void examineMissing(Path image, List<Found> newest) {
            Optional<Interruption> removal = causes.of(Set.of("freeImage"), List.of(image));
            if (removal.isPresent()
                    && newest.stream().allMatch(snapshot -> isWitnessed(snapshot.file(), removal.get()))) {
                for (Path file : doomed(image, removal.get())) {
                    automatic(
                            Kind.SNAPSHOT_LEFT,
                            file,
                            "snapshot '" + file + "' is of the image '" + image.getFileName()
                                    + "', which was being removed",
                            "remove the file",
                            removal.get(),
                            () -> {
                                if (isWitnessed(file, removal.get())) {
                                    Files.delete(file);
                                }
                            });
                }
                return;
            }
            Path snapshot = newest.getFirst().file();
            String what = "image '" + image + "' is missing, and its snapshots are there";
            if (newest.size() > 1 || !isWhole(newest.getFirst(), image)) {
                byHand(
                        Kind.IMAGE_MISSING,
                        image,
                        what + ", but not whole",
                        Certainty.SURE,
                        "restore the image from a backup; what is in '" + snapshot + "' can be read with qemu-img",
                        null);
                return;
            }
            OptionalLong holder = holder(snapshot);
            if (holder.isPresent()) {
                inUse(snapshot, what, holder.getAsLong(), null);
                return;
            }
            Optional<Interruption> taking = causes.ofSnapshot("snapshotVolume", snapshot, true)
                    .filter(cause -> isWitnessed(snapshot, String.valueOf(image.getFileName()), cause));
            if (taking.isPresent()) {
                automatic(
                        Kind.IMAGE_MISSING,
                        image,
                        what + ": '" + snapshot.getFileName() + "' was being taken",
                        "give '" + snapshot.getFileName() + "' the name of the image back",
                        taking.get(),
                        () -> putBack(snapshot, image));
            } else {
                byHand(
                        Kind.IMAGE_MISSING,
                        image,
                        what + ": a snapshot was being taken, or the image was being taken back to '"
                                + snapshot.getFileName() + "'",
                        Certainty.LIKELY,
                        "if the guest does not run: cd '" + image.getParent()
                                + "' && qemu-img create -f qcow2 -F qcow2 -b '"
                                + snapshot.getFileName()
                                + "' -o extended_l2=on,cluster_size=128k '" + image.getFileName() + "'",
                        null);
            }
        }

        /** All snapshots that the image had when its removal began, unless something else is based on one. */
        private List<Path> doomed(Path image, Interruption removal) {
            Set<Path> own = new HashSet<>();
            for (Found snapshot : found) {
                if (snapshot.isSnapshot()
                        && Causes.isOf(snapshot.file(), image, null)
                        && isWitnessed(snapshot.file(), removal)) {
                    own.add(snapshot.file());
                }
            }
            boolean isUsedElsewhere = found.stream()
                    .anyMatch(other ->
                            other.backing() != null && own.contains(other.backing()) && !own.contains(other.file()));
            return isUsedElsewhere ? List.of() : own.stream().sorted().toList();
        }

        private boolean isWhole(Found newest, Path image) {
            Found current = newest;
            for (int depth = 0; depth <= found.size(); depth++) {
                Path backing = current.backing();
                if (backing == null || !Causes.isOf(backing, image, null)) {
                    return backing == null || Files.exists(backing);
                }
                Found next = byFile.get(backing);
                if (next == null) {
                    return false;
                }
                current = next;
            }
            return false;
        }
    }

    private static void putBack(Path snapshot, Path image) throws IOException {
        if (!Files.exists(image, LinkOption.NOFOLLOW_LINKS)) {
            FileMove.withoutReplacing(snapshot, image);
        }
    }
}
