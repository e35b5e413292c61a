package dev.tenon.it.backup;

import dev.tenon.core.backup.host.BackupRequest;
import dev.tenon.core.backup.host.BackupRun;
import dev.tenon.core.backup.host.ContainerRequest;
import dev.tenon.core.backup.host.DiskOpener;
import dev.tenon.core.backup.host.MadeBackup;
import dev.tenon.core.backup.host.OfflineDisks;
import dev.tenon.core.backup.host.RestoreRequest;
import dev.tenon.core.backup.host.RestoreRun;
import dev.tenon.core.command.Command;
import dev.tenon.core.config.ConfigStore;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.service.Permissions;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ShelfPlugin;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** A host with a shelf for backups: every call to the provider is noted, and one of them may be made to fail. */
final class BackupHost {
    static final StorageId VAULT = new StorageId("vault");
    static final Vmid GUEST = new Vmid(100);
    static final DeviceName DISK = new DeviceName("drive-scsi0");

    /** Bytes that are no UTF-8, with a line that PVE needs. */
    static final RawConfig CONFIG = RawConfig.of(
            "name: caf\u00e9\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n".getBytes(StandardCharsets.ISO_8859_1));

    /** What is done in the place of a call. */
    interface Instead {
        @Nullable
        Object run(Call call) throws Throwable;
    }

    /** A call that goes on as it would have. */
    interface Call {
        @Nullable
        Object proceed() throws Throwable;
    }

    final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    final List<String> said = Collections.synchronizedList(new ArrayList<>());
    final StorageService service;
    private final Scratch scratch;
    private final Map<String, Instead> instead = new HashMap<>();

    BackupHost(Scratch scratch, BackupMechanism ofVms) throws IOException {
        this.scratch = scratch;
        StoragePlugin plugin = Decorator.decorate(new ShelfPlugin(ofVms), (call, next) -> {
            Instead other = instead.get(call.operation());
            try {
                Object result = other == null ? next.get() : other.run(next::get);
                return result instanceof BackupProvider provider ? noting(provider) : result;
            } catch (RuntimeException e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        });
        Map<String, StoragePlugin> types = Map.of("shelf", plugin);
        Path file = scratch.file("storage.cfg");
        Files.writeString(file, "shelf: vault\n\tpath " + scratch.file("shelf") + "\n\tcontent backup\n\n");
        ConfigStore configs = new ConfigStore(file, types, Locks.forFile(file));
        service = new StorageService(
                configs::current, types, "here", new Locks(scratch.file("lock"), null), Runnable::run, Permissions.ALL);
    }

    /** From now on this call to the storage or to its provider does something else. */
    void on(String call, Instead action) {
        instead.put(call, action);
    }

    private BackupProvider noting(BackupProvider provider) {
        return (BackupProvider) Proxy.newProxyInstance(
                BackupHost.class.getClassLoader(), new Class<?>[] {BackupProvider.class}, (_, method, given) -> {
                    Object[] arguments = given == null ? new Object[0] : given;
                    String failed = method.getName().equals("abortBackup") ? " " + arguments[2] : "";
                    calls.add(method.getName() + failed);
                    Call proceed = () -> {
                        try {
                            return method.invoke(provider, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    };
                    Instead other = instead.get(method.getName());
                    return other == null ? proceed.proceed() : other.run(proceed);
                });
    }

    BackupRequest request(@Nullable String notes, boolean isProtected, @Nullable Retention retention) {
        return new BackupRequest(
                VAULT,
                GUEST,
                new GuestConfigs(CONFIG, Optional.of(RawConfig.of(new byte[0]))),
                BackupLimits.NONE,
                notes,
                isProtected,
                retention);
    }

    BackupRun run(BackupRequest request) {
        return new BackupRun(service, request, scratch.runtime(), (level, line) -> said.add(level + " " + line));
    }

    MadeBackup backUp(Path disk) {
        return run(request(null, false, null)).ofVm(opener(disk));
    }

    static DiskOpener opener(Path disk) {
        Format.Image format = disk.toString().endsWith(".qcow2") ? Format.Image.QCOW2 : Format.Image.RAW;
        return (work, storage) -> OfflineDisks.open(work, storage, Map.of(DISK, new OfflineDisks.Image(disk, format)));
    }

    MadeBackup backUpContainer(Path root, String... exclude) {
        return run(request(null, false, null)).ofContainer(new ContainerRequest(root, List.of(exclude)));
    }

    RestoreRun.Restored restore(VolumeId archive, Path directory) {
        return new RestoreRun(
                        service,
                        new RestoreRequest(archive, directory, Map.of(), OptionalLong.empty()),
                        (level, line) -> said.add(level + " " + line),
                        CopyProgress.NONE)
                .run();
    }

    /** The archives of the shelf. */
    List<String> archives() {
        return service.listVolumes(VAULT, null, java.util.Set.of()).stream()
                .map(listed -> listed.volume().volid().toString())
                .sorted()
                .toList();
    }

    /** A qcow2 image with some data. */
    Path qcow2() {
        Path image = scratch.file("disk.qcow2");
        Command.of("qemu-img", "create", "-q", "-f", "qcow2", image.toString(), "32M")
                .run();
        write(image, 1, "0", "6M");
        return image;
    }

    static void write(Path image, int value, String offset, String length) {
        Command.of("qemu-io", "-f", "qcow2", "-c", "write -P " + value + " " + offset + " " + length, image.toString())
                .run();
    }

    /** What a guest sees of an image. */
    byte[] content(Path image) throws IOException {
        Path raw = scratch.file("content.raw");
        Command.of("qemu-img", "convert", "-f", "qcow2", "-O", "raw", image.toString(), raw.toString())
                .run();
        return Files.readAllBytes(raw);
    }
}
