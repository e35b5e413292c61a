package dev.tenon.bridge.backup;

import dev.tenon.bridge.codec.Callbacks;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.TypedMethod;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.ArchiveName;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.BackupStatistics;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.ContainerArchive;
import dev.tenon.core.spi.backup.ContainerTree;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DirtyRegions;
import dev.tenon.core.spi.backup.DiskAccess;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.core.spi.backup.RestoreMechanism;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A backup provider that turns every typed call into a call by name and named parameters. */
public abstract class CallingProvider implements BackupProvider {
    private static final String LOG = "log";

    private final Functions functions;
    private final TaskLog log;
    private final DescriptorSocket descriptors;

    /**
     * A provider that is elsewhere.
     *
     * @param functions where it finds the functions that a call hands over
     * @param log where it says what it does
     * @param descriptors where it fetches open files
     */
    protected CallingProvider(Functions functions, TaskLog log, DescriptorSocket descriptors) {
        this.functions = functions;
        this.log = log;
        this.descriptors = descriptors;
    }

    /**
     * Makes the call.
     *
     * @return the answer, of the shape that the method table says
     * @throws StorageException if it fails
     */
    protected abstract Value call(String method, Fields params);

    private @Nullable Object ask(String operation, @Nullable Object... arguments) {
        return ask(operation, (params, call) -> {}, arguments);
    }

    @FunctionalInterface
    private interface More {
        void add(Map<String, Value> params, Outgoing call);
    }

    private @Nullable Object ask(String operation, More more, @Nullable Object... arguments) {
        TypedMethod method = BackupApi.TYPED.method(operation);
        List<@Nullable Object> given = Arrays.asList(arguments);
        try (Outgoing call = new Outgoing(functions, token -> {})) {
            Map<String, Value> params = method.params(given, call);
            more.add(params, call);
            if (method.row().params().stream().anyMatch(param -> param.name().equals(LOG))) {
                params.put(LOG, new Int(call.hand(Callbacks.of(log))));
            }
            Value answer = call(method.row().name(), new Fields(params));
            return method.answering().read(answer, given, call);
        }
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // the row is bound to the method that asks
    private <T> T answer(String operation, @Nullable Object... arguments) {
        return (T) Objects.requireNonNull(ask(operation, arguments), operation);
    }

    @Override
    public String providerName() {
        return answer("providerName");
    }

    @Override
    public void initJob(Instant start) {
        ask("initJob", start);
    }

    @Override
    public void cleanupJob() {
        ask("cleanupJob");
    }

    @Override
    public ArchiveName initBackup(Vmid guest, GuestType type, Instant start) {
        return answer("initBackup", guest, type, start);
    }

    @Override
    public BackupStatistics cleanupBackup(Vmid guest, GuestType type) {
        Object statistics = ask("cleanupBackup", (params, call) -> params.put("success", new Bool(true)), guest, type);
        return (BackupStatistics) Objects.requireNonNull(statistics);
    }

    @Override
    public void abortBackup(Vmid guest, @Nullable GuestType type, String error) {
        TypedMethod method = BackupApi.TYPED.method("cleanupBackup");
        try (Outgoing call = new Outgoing(functions, token -> {})) {
            Map<String, Value> params = method.params(Arrays.asList(guest, type), call);
            params.put("success", new Bool(false));
            params.put("error", Value.ofText(error));
            params.put(LOG, new Int(call.hand(Callbacks.of(log))));
            call(method.row().name(), new Fields(params));
        }
    }

    @Override
    public BackupMechanism backupMechanism(Vmid guest, GuestType type) {
        return answer("backupMechanism", guest, type);
    }

    @Override
    public void handleLogFile(Vmid guest, Path file) {
        ask("handleLogFile", guest, file);
    }

    @Override
    public Map<DeviceName, BitmapUse> queryIncremental(Vmid guest, Map<DeviceName, ByteSize> disks) {
        return answer("queryIncremental", guest, disks);
    }

    @Override
    public void backupVm(Vmid guest, GuestConfigs configs, Map<DeviceName, BackupDisk> disks, BackupLimits limits) {
        Map<DeviceName, Descriptor> opened = new LinkedHashMap<>();
        try {
            disks.forEach((device, disk) -> {
                if (disk.access() instanceof DiskAccess.FileHandle(Path file, DirtyRegions _)) {
                    opened.put(device, open(device, file));
                }
            });
            offering(
                    List.copyOf(opened.entrySet()),
                    new LinkedHashMap<>(),
                    tokens -> ask(
                            "backupVm",
                            (params, call) -> params.put("disks", BackupTypes.disks(disks, tokens, call)),
                            guest,
                            configs,
                            disks,
                            limits));
        } finally {
            opened.values().forEach(Descriptor::close);
        }
    }

    private static Descriptor open(DeviceName device, Path file) {
        try {
            return Descriptor.openDisk(file);
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.BAD_PARAMETER,
                    Outcome.NOT_STARTED,
                    "the disk " + device + " cannot be opened: " + e.getMessage(),
                    e);
        }
    }

    private void offering(
            List<Map.Entry<DeviceName, Descriptor>> left,
            Map<DeviceName, String> tokens,
            Consumer<Map<DeviceName, String>> run) {
        if (left.isEmpty()) {
            run.accept(tokens);
            return;
        }
        try (DescriptorSocket.Offer offer =
                descriptors.offer(left.getFirst().getValue().number())) {
            tokens.put(left.getFirst().getKey(), offer.token());
            offering(left.subList(1, left.size()), tokens, run);
        }
    }

    @Override
    public void prepareContainer(Vmid guest, ContainerTree tree, BackupLimits limits) {
        ask("prepareContainer", guest, tree, limits);
    }

    @Override
    public void backupContainer(
            Vmid guest, GuestConfigs configs, List<String> exclude, ContainerTree tree, BackupLimits limits) {
        ask("backupContainer", guest, configs, new ArrayList<>(exclude), tree, limits);
    }

    @Override
    public RestoreMechanism restoreMechanism(VolumeName archive) {
        return answer("restoreMechanism", archive);
    }

    @Override
    public RawConfig guestConfig(VolumeName archive) {
        return answer("guestConfig", archive);
    }

    @Override
    public Optional<RawConfig> firewallConfig(VolumeName archive) {
        return answer("firewallConfig", archive);
    }

    @Override
    public Map<DeviceName, ByteSize> initVmRestore(VolumeName archive) {
        return answer("initVmRestore", archive);
    }

    @Override
    public void cleanupVmRestore(VolumeName archive) {
        ask("cleanupVmRestore", archive);
    }

    @Override
    public Path initVolumeRestore(VolumeName archive, DeviceName device) {
        return answer("initVolumeRestore", archive, device);
    }

    @Override
    public void cleanupVolumeRestore(VolumeName archive, DeviceName device) {
        ask("cleanupVolumeRestore", archive, device);
    }

    @Override
    public ContainerArchive initContainerRestore(VolumeName archive) {
        return answer("initContainerRestore", archive);
    }

    @Override
    public void cleanupContainerRestore(VolumeName archive) {
        ask("cleanupContainerRestore", archive);
    }
}
