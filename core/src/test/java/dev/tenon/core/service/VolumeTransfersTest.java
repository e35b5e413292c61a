package dev.tenon.core.service;

import static dev.tenon.core.service.ServiceFixture.GUEST;
import static dev.tenon.core.service.ServiceFixture.LOCAL;
import static dev.tenon.core.testing.Failing.fails;
import static dev.tenon.core.testing.Failing.isRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.core.testing.Qemu;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Volumes that move, between a directory and one whose plugin shows nothing but PVE's API. */
class VolumeTransfersTest {
    private static final Transfer ALL = new Transfer(null, null, false);
    private static final ByteSize SIZE = ByteSize.ofKib(4096);
    private static final int PATTERN = 0x5a;
    private static final VolumeId THERE = VolumeId.parse("far:100/vm-100-disk-0.raw");

    @TempDir
    Path scratch = Path.of("");

    private ServiceFixture fixture = new ServiceFixture(Path.of(""));
    private StorageService service = fixture.over(Path.of(""));
    private final Remote remote = new Remote();

    /** A plugin in another process, as its host sees it; it may be lost in the middle. */
    private static final class Remote {
        private final StoragePlugin plugin = new DirPlugin();
        private boolean isLost;
        private boolean cannotFree;
        private boolean failsAfterwards;

        private StoragePlugin seen() {
            return (StoragePlugin) Proxy.newProxyInstance(
                    StoragePlugin.class.getClassLoader(), new Class<?>[] {StoragePlugin.class}, this::called);
        }

        private @Nullable Object called(Object proxy, Method method, Object @Nullable [] args) throws Throwable {
            if (method.getName().equals("type")) {
                return "remote";
            }
            if (method.getName().equals("imageFiles")) {
                return Optional.empty();
            }
            if (method.getName().equals("freeImage") && cannotFree) {
                throw StorageException.refused(StorageError.IN_USE, "somebody has it open");
            }
            try {
                Object answer = method.invoke(plugin, args);
                boolean isImport = method.getName().equals("importVolume");
                boolean isExport = method.getName().equals("exportVolume");
                if ((isImport && isLost) || (isExport && failsAfterwards)) {
                    throw new StorageException(StorageError.SIDECAR_FAILED, Outcome.UNKNOWN, "the plugin was lost");
                }
                return answer;
            } catch (InvocationTargetException e) {
                throw Objects.requireNonNull(e.getCause());
            }
        }
    }

    @BeforeEach
    void makeService() throws IOException {
        fixture = new ServiceFixture(scratch).type(new DirPlugin());
        fixture.types.put("remote", remote.seen());
        service = fixture.service(
                "dir: fast\n\tpath " + fixture.directory("fast") + "\n\tcontent images,iso\n",
                "dir: other\n\tpath " + fixture.directory("other") + "\n\tcontent images,iso\n",
                "remote: far\n\tpath " + fixture.directory("far") + "\n");
    }

    private VolumeId filled() {
        VolumeId volume = service.allocImage(LOCAL, GUEST, Format.Image.RAW, null, SIZE);
        Qemu.fill(file(volume), "raw", PATTERN);
        return volume;
    }

    private Path file(VolumeId volume) {
        return Path.of(service.path(volume, null).path());
    }

    private List<String> filesIn(String storage) throws IOException {
        try (Stream<Path> files = Files.walk(scratch.resolve(storage))) {
            return files.filter(Files::isRegularFile)
                    .map(file -> String.valueOf(file.getFileName()))
                    .toList();
        }
    }

    private Path exported(VolumeId volume) throws IOException {
        Path file = scratch.resolve("stream");
        try (DescriptorExport stream = new DescriptorExport(Descriptor.create(file, 0600), StreamSettings.USUAL)) {
            assertThat(service.exportVolume(volume, null, ALL, stream)).isEqualTo("raw+size");
        }
        return file;
    }

    private VolumeId imported(VolumeId volume, Path file) throws IOException {
        try (DescriptorImport stream = new DescriptorImport(Descriptor.openForReading(file), StreamSettings.USUAL)) {
            return service.importVolume(volume, "raw+size", ALL, false, stream);
        }
    }

    @Test
    void aVolumeIsActivatedLeavesAndArrives() throws IOException {
        VolumeId volume = filled();
        fixture.calls.clear();

        Path stream = exported(volume);

        assertThat(fixture.calls)
                .containsSubsequence("exportFormats", "activateStorage", "activateVolume", "exportVolume");
        assertThat(imported(THERE, stream)).isEqualTo(THERE);
        assertThat(Files.mismatch(file(volume), file(THERE))).isEqualTo(-1);
    }

    @Test
    void aFormatThatTheStorageDoesNotHaveIsRefusedWithThoseThatItHas() throws IOException {
        VolumeId volume = filled();
        try (DescriptorExport stream =
                new DescriptorExport(Descriptor.create(scratch.resolve("stream"), 0600), StreamSettings.USUAL)) {
            isRefused(
                    () -> service.exportVolume(volume, "zfs", ALL, stream),
                    StorageError.NOT_SUPPORTED,
                    "cannot export volume '" + volume + "' in format 'zfs'; choose one of raw+size");
        }
        isRefused(
                () -> service.copyVolume(
                        volume,
                        VolumeId.parse("other:iso/x.iso"),
                        new Transfer(null, null, true),
                        StreamSettings.USUAL),
                StorageError.NOT_SUPPORTED,
                "cannot migrate from storage type 'dir' to 'dir'");
    }

    @Test
    void whatALostPluginLeavesIsRemoved() throws IOException {
        Path stream = exported(filled());
        remote.isLost = true;

        fails(() -> imported(THERE, stream), StorageError.SIDECAR_FAILED, Outcome.FAILED_CLEAN, "the plugin was lost");

        assertThat(filesIn("far")).isEmpty();
    }

    @Test
    void whatCannotBeRemovedIsNamed() throws IOException {
        Path stream = exported(filled());
        remote.isLost = true;
        remote.cannotFree = true;

        fails(
                () -> imported(THERE, stream),
                StorageError.SIDECAR_FAILED,
                Outcome.UNKNOWN,
                "the plugin was lost; the unfinished volume '" + THERE + "' is left, remove it");
    }

    @Test
    void whatHadTheNameBeforeStays() throws IOException {
        Path stream = exported(filled());
        assertThat(imported(THERE, stream)).isEqualTo(THERE);
        byte[] before = Files.readAllBytes(file(THERE));
        remote.isLost = true;

        fails(() -> imported(THERE, stream), StorageError.ALREADY_EXISTS, Outcome.NOT_STARTED, "already exists");

        assertThat(file(THERE)).hasBinaryContent(before);
    }

    @Test
    void aCopyIsNotKeptIfWhoSentItFailsInTheEnd() throws IOException {
        Path stream = exported(filled());
        assertThat(imported(THERE, stream)).isEqualTo(THERE);
        remote.failsAfterwards = true;

        for (String target : List.of("other:200/vm-200-disk-0.raw", "far:200/vm-200-disk-0.raw")) {
            fails(
                    () -> service.copyVolume(THERE, VolumeId.parse(target), ALL, limited()),
                    StorageError.SIDECAR_FAILED,
                    Outcome.FAILED_CLEAN,
                    "the plugin was lost");
        }

        assertThat(filesIn("other")).isEmpty();
        assertThat(filesIn("far")).containsExactly("vm-100-disk-0.raw");
    }

    /** The volumes of the plugin are read as files unless somebody wants to see what passes. */
    private static StreamSettings limited() {
        return StreamSettings.USUAL.withLimit(OptionalLong.of(1L << 30));
    }

    @Test
    void copiesOfFilesAndThroughPipesAreTheSame() throws IOException {
        VolumeId volume = filled();
        service.activateStorage(VolumeId.parse("other:iso/x.iso").storage());
        Path iso = Files.writeString(scratch.resolve("fast/template/iso/x.iso"), "an installer");

        VolumeId there = service.copyVolume(volume, THERE, ALL, limited());
        VolumeId back = service.copyVolume(there, VolumeId.parse("other:100/vm-100-disk-3.raw"), ALL, limited());
        VolumeId copy = service.copyVolume(
                VolumeId.parse("fast:iso/x.iso"), VolumeId.parse("other:iso/y.iso"), ALL, StreamSettings.USUAL);

        assertThat(Files.mismatch(file(volume), file(there))).isEqualTo(-1);
        assertThat(Files.mismatch(file(volume), file(back))).isEqualTo(-1);
        assertThat(Files.mismatch(iso, file(copy))).isEqualTo(-1);
    }

    @Test
    void anInterruptEndsACopyAndLeavesNothing() throws IOException {
        VolumeId volume = filled();
        Thread copying = Thread.currentThread();
        StreamSettings settings = limited().withProgress((done, total) -> copying.interrupt());

        fails(
                () -> service.copyVolume(volume, THERE, ALL, settings),
                StorageError.CANCELLED,
                Outcome.FAILED_CLEAN,
                "interrupted");

        assertThat(Thread.interrupted()).isTrue();
        assertThat(filesIn("far")).isEmpty();
    }
}
