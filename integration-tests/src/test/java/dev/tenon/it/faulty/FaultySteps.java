package dev.tenon.it.faulty;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Faults in what a plugin does to a storage. */
final class FaultySteps {
    private static final List<String> METHODS = List.of(
            "allocImage",
            "freeImage",
            "resizeVolume",
            "snapshotVolume",
            "rollback",
            "deleteSnapshot",
            "renameVolume",
            "cloneImage",
            "createBase");

    private static final List<String> OF_SIZES = List.of("allocImage", "resizeVolume");
    private static final List<String> OF_SNAPSHOTS = List.of("snapshotVolume", "rollback", "deleteSnapshot");
    private static final List<String> OF_GUESTS = List.of("allocImage", "renameVolume", "cloneImage");

    /** What may be done again, as it changes nothing the second time. */
    private static final List<String> REPEATABLE = List.of("freeImage", "resizeVolume", "rollback");

    private FaultySteps() {}

    /** Of each method that changes a storage. */
    static List<Fault> all() {
        List<Fault> all = new ArrayList<>();
        for (String method : METHODS) {
            all.addAll(List.of(
                    step(method, Kind.NOT_DONE, "", FaultySteps::withoutStep),
                    step(method, Kind.DONE_LATER, "", FaultySteps::later),
                    step(method, Kind.LEFT_VOLUME, "", FaultySteps::leavingVolume),
                    step(method, Kind.LEFT_FILE, "", FaultySteps::leavingFile),
                    Fault.lateError(method, false),
                    Fault.otherStorage(method, false),
                    Fault.slow(method, false)));
            if (!REPEATABLE.contains(method)) {
                all.add(step(method, Kind.DONE_TWICE, "", call -> {
                    call.rightly();
                    return call.rightly();
                }));
            }
            // A new volume of a storage that is there is refused to nobody.
            if (!method.equals("allocImage")) {
                all.add(Fault.otherText(method, false));
                all.add(Fault.otherError(method, false));
                all.add(step(
                        method,
                        Kind.OTHER_VOLUME,
                        "",
                        call -> call.with(VolumeName.class, name -> anotherThan(name, call))
                                .rightly()));
            }
        }
        for (String method : OF_SIZES) {
            all.add(ofSize(method, Kind.OTHER_UNIT, "too large", size -> size.bytes() << 10));
            all.add(ofSize(method, Kind.OTHER_UNIT, "too small", size -> size.bytes() >> 10));
            all.add(ofSize(method, Kind.OFF_BY_ONE, "a byte more", size -> size.bytes() + 1));
        }
        for (String method : OF_SNAPSHOTS) {
            all.add(step(
                    method,
                    Kind.OTHER_SNAPSHOT,
                    "",
                    call -> call.with(SnapshotName.class, name -> anotherThan(name, call))
                            .rightly()));
        }
        for (String method : OF_GUESTS) {
            all.add(step(
                    method,
                    Kind.OTHER_GUEST,
                    "",
                    call -> call.with(Vmid.class, guest -> new Vmid(guest.value() + 1))
                            .rightly()));
        }
        // Its storage keeps notes of backups alone: it refuses all that sequences ask.
        all.add(step("updateAttribute", Kind.NOT_DONE, "", call -> null));
        all.add(Fault.otherText("updateAttribute", false));
        all.add(Fault.otherError("updateAttribute", false));
        all.add(Fault.slow("updateAttribute", false));
        all.add(Fault.lateError("activateStorage", false));
        return all;
    }

    private static Fault step(String method, Kind kind, String what, Fault.Behaviour behaviour) {
        return new Fault(method, false, kind, what, behaviour);
    }

    /** Bytes of a size. */
    @FunctionalInterface
    private interface OtherSize {
        long of(ByteSize size);
    }

    private static Fault ofSize(String method, Kind kind, String what, OtherSize other) {
        return step(
                method,
                kind,
                what,
                call -> call.with(ByteSize.class, size -> ByteSize.ofBytes(other.of(size)))
                        .rightly());
    }

    private static List<VolumeName> volumes(Fault.Called call) {
        return call.plugin().listImages(call.storage(), ImageFilter.all(), OperationCache.create()).stream()
                .map(VolumeInfo::volid)
                .map(VolumeId::volume)
                .toList();
    }

    private static VolumeName anotherThan(VolumeName name, Fault.Called call) {
        return volumes(call).stream()
                .filter(volume -> !volume.equals(name))
                .findFirst()
                .orElse(name);
    }

    /** One that the volume has, if it has another. */
    private static SnapshotName anotherThan(SnapshotName name, Fault.Called call) {
        VolumeName volume = (VolumeName) Objects.requireNonNull(call.args().get(1));
        Stream<String> names;
        try {
            names = call.plugin().snapshots(call.storage(), volume).keySet().stream();
        } catch (StorageException e) {
            names = Stream.empty();
        }
        return names.filter(other -> !other.equals("current") && !other.equals(name.value()))
                .findFirst()
                .map(SnapshotName::new)
                .orElseGet(() ->
                        call.method().getName().equals("snapshotVolume") ? new SnapshotName(name.value() + "x") : name);
    }

    /** Says that it has made it. */
    private static @Nullable Object withoutStep(Fault.Called call) {
        return switch (call.method().getName()) {
            case "allocImage", "cloneImage" -> {
                VolumeName name = (VolumeName) Objects.requireNonNull(call.rightly());
                call.plugin().freeImage(call.storage(), name, false, null).ifPresent(Cleanup::run);
                yield name;
            }
            case "freeImage" -> Optional.empty();
            case "createBase" ->
                new VolumeName(((VolumeName) Objects.requireNonNull(call.args().get(1)))
                        .value()
                        .replace("/vm-", "/base-"));
            case "renameVolume" ->
                new VolumeId(
                        call.storage().id(),
                        new VolumeName(
                                ((VolumeName) Objects.requireNonNull(call.args().get(1)))
                                        .value()
                                        .replaceAll("[0-9]{3,}", "102")));
            default -> null;
        };
    }

    /** After the next call. */
    private static @Nullable Object later(Fault.Called call) {
        Object answer = withoutStep(call);
        call.later().add(() -> {
            try {
                call.rightly();
            } catch (StorageException e) {
                // nobody is told any more
            }
        });
        return answer;
    }

    private static @Nullable Object leavingVolume(Fault.Called call) {
        Object answer = call.rightly();
        call.plugin().allocImage(call.storage(), new Vmid(199), Format.Image.RAW, null, ByteSize.ofKib(4));
        return answer;
    }

    private static @Nullable Object leavingFile(Fault.Called call) {
        Object answer = call.rightly();
        try {
            Path images = Path.of(call.plugin().getSubdir(call.storage(), ContentType.IMAGES));
            Files.createTempFile(images, ".left", ".tmp");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return answer;
    }
}
