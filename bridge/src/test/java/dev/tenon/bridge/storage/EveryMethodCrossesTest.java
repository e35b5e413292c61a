package dev.tenon.bridge.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.StreamSource;
import dev.tenon.core.spi.StreamTarget;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.proto.Frame;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation of the typed interface arrives with its arguments, and its answer comes back, whatever it is. */
class EveryMethodCrossesTest {
    private static final StorageId ID = new StorageId("nas");
    private static final VolumeName VOLUME = new VolumeName("100/vm-100-disk-0.qcow2");
    private static final VolumeInfo INFO = new VolumeInfo(
            VolumeId.parse("nas:100/vm-100-disk-0.qcow2"),
            Format.Image.QCOW2,
            ByteSize.ofBytes(1 << 20),
            new Vmid(100),
            null,
            null,
            1_700_000_000L,
            Map.of("verification", Map.of("state", "ok")),
            Set.of("used", "parent"));

    /** PVE gives these the configuration alone. */
    private static final Set<String> WITHOUT_STOREID = Set.of("filesystemPath", "getSubdir");

    private final List<String> log = new ArrayList<>();

    private final Map<Class<?>, Object> samples = Map.ofEntries(
            Map.entry(Storage.class, new Storage(ID, new StorageConfig("far", Map.of("type", "far", "path", "/srv")))),
            Map.entry(StorageId.class, ID),
            Map.entry(VolumeName.class, VOLUME),
            Map.entry(SnapshotName.class, new SnapshotName("before")),
            Map.entry(OperationCache.class, OperationCache.of("operation-1")),
            Map.entry(Hints.class, new Hints(Map.of("guest-is-windows", 1L))),
            Map.entry(ImageFilter.class, new ImageFilter.OfGuest(new Vmid(100))),
            Map.entry(Vmid.class, new Vmid(100)),
            Map.entry(Format.class, Format.Image.RAW),
            Map.entry(ByteSize.class, ByteSize.ofBytes(1 << 22)),
            Map.entry(String.class, "vm-100-disk-1.raw"),
            Map.entry(boolean.class, true),
            Map.entry(Duration.class, Duration.ofSeconds(7)),
            Map.entry(ContentType.class, ContentType.ISO),
            Map.entry(Set.class, Set.of()),
            Map.entry(Secrets.class, new Secrets(Map.of("password", Optional.of("x"), "key", Optional.empty()))),
            Map.entry(
                    ConfigChange.class,
                    new ConfigChange(
                            Map.of("nodes", Map.of("a", "1")),
                            List.of("key"),
                            new Secrets(Map.of("key", Optional.empty())))),
            Map.entry(Feature.class, Feature.SPARSEINIT),
            Map.entry(VolumeAttribute.class, VolumeAttribute.NOTES),
            Map.entry(Retention.class, new Retention(Map.of("keep-last", 3L))),
            Map.entry(BackupSelection.class, new BackupSelection(new Vmid(7), "lxc")),
            Map.entry(
                    BlockdevQuery.class,
                    new BlockdevQuery("10.0+pve1", new SnapshotName("before"), new Hints(Map.of("efi-disk", 1L)))),
            Map.entry(Transfer.class, new Transfer(new SnapshotName("before"), new SnapshotName("base"), true)),
            Map.entry(Map.class, Map.of("type", "far", "path", "/srv")),
            Map.entry(TaskLog.class, (TaskLog) (level, line) -> log.add(level + " " + line)),
            Map.entry(ExportStream.class, new NearExport()),
            Map.entry(ImportStream.class, new NearImport()),
            Map.entry(Runnable.class, (Runnable) () -> log.add("the work ran")));

    private final Map<String, Object> answers = Map.ofEntries(
            Map.entry("type", "far"),
            Map.entry(
                    "pluginData",
                    new PluginData(
                            Set.of("images"), Set.of("images"), Set.of("raw"), "raw", null, Set.of(), false, Map.of())),
            Map.entry("properties", Map.of("path", new PropertySchema(Map.of("type", "string")))),
            Map.entry("options", Map.of("path", new PropertyOption(false, true))),
            Map.entry(
                    "parseVolname",
                    new ParsedVolume.GuestImage("vm-100-disk-0.raw", new Vmid(100), null, false, Format.Image.RAW)),
            Map.entry("formatExtensions", Map.of(Format.Image.RAW, "", new Format.Other("dax"), "dax")),
            Map.entry("isValidFormat", true),
            Map.entry("formatExtension", Optional.of("dax")),
            Map.entry("parsedFormat", Optional.of(Format.Image.QCOW2)),
            Map.entry("nameWithFormat", "vm-100-disk-1"),
            Map.entry("nameForFormat", "vm-100-disk-1.qcow2"),
            Map.entry("path", new VolumePath("/srv/x", new Vmid(100), ContentType.IMAGES)),
            Map.entry("filesystemPath", new VolumePath("/srv/y", null, null)),
            Map.entry("getSubdir", "/srv/iso"),
            Map.entry("listImages", List.of(INFO)),
            Map.entry("volumeSizeInfo", new SizeInfo(null, Format.Image.RAW, ByteSize.ofBytes(1), "base", 5L)),
            Map.entry(
                    "status", new StorageStatus.Active(ByteSize.ofBytes(3), ByteSize.ofBytes(2), ByteSize.ofBytes(1))),
            Map.entry("findFreeDiskname", "vm-100-disk-3"),
            Map.entry("allocImage", VOLUME),
            Map.entry("freeImage", Optional.<Cleanup>of(() -> log.add("wiped"))),
            Map.entry("checkConfig", Map.of("type", "far", "path", "/srv/checked")),
            Map.entry(
                    "onAdd",
                    new HookResult(Map.of("type", "far", "path", "/srv", "mountpoint", "/mnt"), Map.of("key", "k"))),
            Map.entry("onUpdate", new HookResult(Map.of("nodes", Map.of("b", "1")), Map.of())),
            Map.entry("checkConnection", true),
            Map.entry("formats", new Formats(Format.Image.QCOW2, Set.of(Format.Image.RAW, Format.Image.QCOW2))),
            Map.entry("canReplicate", true),
            Map.entry("identity", "serial 7"),
            Map.entry("listVolumes", List.of(new ListedVolume(INFO, ContentType.BACKUP, "qemu", "notes", true))),
            Map.entry("createBase", new VolumeName("100/base-100-disk-0.raw")),
            Map.entry("cloneImage", new VolumeName("100/base-100-disk-0.raw/101/vm-101-disk-0.qcow2")),
            Map.entry("renameVolume", VolumeId.parse("nas:101/vm-101-disk-0.raw")),
            Map.entry(
                    "rollbackIsPossible",
                    new Rollback.Blocked("'before' is not the newest", List.of(new SnapshotName("later")))),
            Map.entry(
                    "snapshots",
                    Map.of("before", new SnapshotInfo("guid", 5L, ByteSize.ofBytes(9), Map.of("order", "1")))),
            Map.entry("snapshotNeedsFreeze", true),
            Map.entry("snapshotMethod", SnapshotMethod.MIXED),
            Map.entry("hasFeature", true),
            Map.entry("mapVolume", Optional.of("/dev/x")),
            Map.entry("attribute", Optional.of("notes")),
            Map.entry(
                    "pruneBackups",
                    new Pruned(
                            List.of(new PruneMark(VolumeId.parse("nas:backup/x"), 5, "qemu", "keep", new Vmid(7))),
                            new Retention(Map.of("keep-last", 3L, "keep-daily", 1L)))),
            Map.entry("blockdevOptions", Map.of("driver", "nbd", "port", 10809L, "read-only", true)),
            Map.entry("importMetadata", Map.of("type", "vm", "net", Map.of("net0", Map.of("model", "virtio")))),
            Map.entry("exportFormats", List.of("raw+size", "zfs")),
            Map.entry("importFormats", List.of()),
            Map.entry("importVolume", VolumeId.parse("nas:100/vm-100-disk-7.raw")));

    /** The near end of a pipe, whose far end this test reads. */
    private final class NearExport implements ExportStream {
        @Override
        public void handOver(IntConsumer writer) {
            try (Descriptor.Pipe pipe = Descriptor.pipe()) {
                writer.accept(pipe.write().number());
                pipe.write().close();
                log.add("came: " + read(pipe.read().number()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void send(StreamSource source) {
            throw new AssertionError(source);
        }
    }

    /** The near end of a pipe, whose far end this test has written to. */
    private static final class NearImport implements ImportStream {
        @Override
        public <T> T handOver(String format, IntFunction<T> reader) {
            try (Descriptor.Pipe pipe = Descriptor.pipe()) {
                write(pipe.write().number(), "a stream");
                pipe.write().close();
                return reader.apply(pipe.read().number());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public ByteSize size() {
            throw new AssertionError();
        }

        @Override
        public void receive(StreamTarget target, @Nullable ByteSize length) {
            throw new AssertionError(target);
        }
    }

    private static void write(int number, String text) {
        try (FileOutputStream out = new FileOutputStream("/proc/self/fd/" + number)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(int number) {
        try (FileInputStream in = new FileInputStream("/proc/self/fd/" + number)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private @Nullable List<Object> arrived;
    private @Nullable String arrivedAt;

    private final StoragePlugin far = (StoragePlugin) Proxy.newProxyInstance(
            StoragePlugin.class.getClassLoader(), new Class<?>[] {StoragePlugin.class}, this::arrive);

    /** A sidecar tells whether its type is shared when it starts; PVE has a list of such types, and no method. */
    static Stream<Method> operations() {
        // Abilities beyond the plugin API are of storages in Java and do not cross; a backup provider is an object of
        // its own.
        return Arrays.stream(StoragePlugin.class.getMethods())
                .filter(method -> !List.of(
                                "imageFiles",
                                "examinable",
                                "isShared",
                                "hostClass",
                                "namePatterns",
                                "newBackupProvider")
                        .contains(method.getName()));
    }

    private @Nullable Object arrive(Object proxy, Method method, Object @Nullable [] args) {
        arrivedAt = method.getName();
        arrived = args == null ? List.of() : Arrays.asList(args);
        for (Object arg : arrived) {
            if (arg instanceof TaskLog taskLog) {
                taskLog.log(TaskLog.Level.WARN, "a line");
            } else if (arg instanceof Runnable work) {
                work.run();
            } else if (arg instanceof DescriptorExport stream) {
                stream.handOver(number -> write(number, "a stream"));
            } else if (arg instanceof DescriptorImport stream) {
                log.add("came: " + stream.handOver("qcow2+size", EveryMethodCrossesTest::read));
            }
        }
        return answers.get(method.getName());
    }

    @ParameterizedTest
    @MethodSource("operations")
    void itArrivesWithItsArgumentsAndItsAnswerComesBack(Method operation) throws IllegalAccessException, IOException {
        try (CrossedPlugin near = new CrossedPlugin(far, CrossedPlugin.NEWEST)) {
            assertCrossed(near, operation);
        }
    }

    static Stream<Method> operationsOfTheFirstBuild() {
        return operations()
                .filter(operation -> !FrozenFrames.of(operation.getName()).isEmpty());
    }

    @Test
    void thereAreFramesOfAllFiftyTwoOperationsOfTheFirstBuild() {
        assertThat(operationsOfTheFirstBuild()).hasSize(52);
    }

    @ParameterizedTest
    @MethodSource("operationsOfTheFirstBuild")
    void theFramesOfTheFirstBuildAreReadAsTheyWereMeant(Method operation) throws IllegalAccessException, IOException {
        List<Frame> frozen = FrozenFrames.of(operation.getName());
        try (CrossedPlugin near = new CrossedPlugin(far, CrossedPlugin.NEWEST).replaying(frozen)) {
            assertCrossed(near, operation);

            assertThat(near.frames).isEqualTo(frozen);
        }
    }

    @ParameterizedTest
    @MethodSource("operationsOfTheFirstBuild")
    void whatIsWrittenHoldsAllThatAPeerOfTheFirstBuildReads(Method operation)
            throws IllegalAccessException, IOException {
        try (CrossedPlugin near = new CrossedPlugin(far, CrossedPlugin.NEWEST)) {
            assertCrossed(near, operation);

            assertThat(near.frames)
                    .usingElementComparator((now, then) -> FrozenFrames.holds(now, then) ? 0 : 1)
                    .isEqualTo(FrozenFrames.of(operation.getName()));
        }
    }

    private void assertCrossed(CrossedPlugin near, Method operation) throws IllegalAccessException {
        Object[] args = Arrays.stream(operation.getParameterTypes())
                .map(type -> Objects.requireNonNull(samples.get(type), type.toString()))
                .toArray();

        Object answer;
        try {
            answer = operation.invoke(near, args);
        } catch (InvocationTargetException e) {
            throw new AssertionError(operation.getName(), e.getCause());
        }

        assertThat(arrivedAt).isEqualTo(operation.getName());
        for (int i = 0; i < args.length; i++) {
            if (args[i] instanceof ExportStream || args[i] instanceof ImportStream) {
                assertThat(log).containsExactly("came: a stream");
            } else if (args[i] instanceof TaskLog || args[i] instanceof Runnable) {
                assertThat(log).containsAnyOf("WARN a line", "the work ran");
            } else if (args[i] instanceof OperationCache cache) {
                assertThat(((OperationCache) Objects.requireNonNull(arrived).get(i)).id())
                        .isEqualTo(cache.id());
            } else if (args[i] instanceof Storage storage && WITHOUT_STOREID.contains(operation.getName())) {
                assertThat(((Storage) Objects.requireNonNull(arrived).get(i)).config())
                        .isEqualTo(storage.config());
            } else {
                assertThat(Objects.requireNonNull(arrived).get(i)).isEqualTo(args[i]);
            }
        }
        if (answer instanceof Optional<?> some && some.isPresent() && some.get() instanceof Cleanup cleanup) {
            cleanup.run();
            assertThat(log).containsExactly("wiped");
        } else {
            assertThat(answer).isEqualTo(answers.get(operation.getName()));
        }
    }
}
