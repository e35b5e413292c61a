package dev.tenon.core.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.linux.Flock;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.testing.Failing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocksTest {
    private static final StorageId STORE = new StorageId("store");
    private static final Duration SHORT = Duration.ofMillis(200);

    @TempDir
    Path root;

    private Path files;
    private Path cluster;
    private Locks own;
    private Locks pve;

    @BeforeEach
    void makeClusterFileSystem() throws IOException {
        files = root.resolve("files");
        cluster = Files.createDirectories(root.resolve("pve"));
        Files.createDirectory(cluster.resolve("priv"));
        Files.createSymbolicLink(cluster.resolve("local"), Path.of("nodes/here"));
        own = new Locks(files, null);
        pve = new Locks(files, cluster);
    }

    @Test
    void everyLockIsWhereThePerlProgramsHaveIt() {
        assertThat(lockedFile(own.storage(STORE, false))).isEqualTo("files/pve-storage-store");
        assertThat(lockedFile(own.storage(STORE, true))).isEqualTo("files/storage-store");
        assertThat(lockedFile(own.storageConfig())).isEqualTo("files/file-storage_cfg");
        assertThat(lockedFile(pve.storage(STORE, false))).isEqualTo("files/pve-manager/pve-storage-store");
        assertThat(lockedFile(Locks.forFile(root.resolve("storage.cfg")))).isEqualTo("storage.cfg.lock");
        assertThat(pve.storage(STORE, true)
                        .hold(null, () -> Files.isDirectory(cluster.resolve("priv/lock/storage-store"))))
                .isTrue();
        assertThat(pve.storageConfig()
                        .hold(null, () -> Files.isDirectory(cluster.resolve("priv/lock/file-storage_cfg"))))
                .isTrue();
        assertThat(cluster.resolve("priv/lock")).isEmptyDirectory();
    }

    @Test
    void aGuestsLockIsThatOfVirtualMachinesAndThatOfContainers() {
        pve.guest(new Vmid(100)).hold(null, () -> {
            assertThat(isLocked(files.resolve("qemu-server/lock-100.conf"))).isTrue();
            assertThat(isLocked(files.resolve("lxc/pve-config-100.lock"))).isTrue();
            return pve.guest(new Vmid(100)).hold(Duration.ZERO, () -> "again");
        });
        assertThat(isLocked(files.resolve("qemu-server/lock-100.conf"))).isFalse();
        assertThat(isLocked(files.resolve("lxc/pve-config-100.lock"))).isFalse();
        assertThat(lockedFile(own.guest(new Vmid(100)))).isEqualTo("files/guest-100");
    }

    @Test
    void aGuestThatPveHasLockedAsAContainerIsNotToBeHad() throws IOException {
        Path file = Files.createDirectories(files.resolve("lxc")).resolve("pve-config-100.lock");
        try (Flock held = Flock.open(file)) {
            assertThat(held.tryLock()).isTrue();
            Failing.isRefused(
                    () -> pve.guest(new Vmid(100)).hold(SHORT, () -> "never"),
                    StorageError.IN_USE,
                    "can't lock file '" + file + "' - got timeout");
        }
        assertThat(pve.guest(new Vmid(100)).hold(SHORT, () -> "had")).isEqualTo("had");
    }

    @Test
    void aLockThatSomebodyElseHoldsIsRefusedInPvesWords() throws IOException {
        Path local = files.resolve("pve-storage-store");
        Path shared = files.resolve("storage-store");
        own.storage(STORE, false).hold(null, () -> "makes the directory");
        try (Flock first = Flock.open(local);
                Flock second = Flock.open(shared)) {
            assertThat(first.tryLock()).isTrue();
            assertThat(second.tryLock()).isTrue();
            Failing.isRefused(
                    () -> own.storage(STORE, false).hold(SHORT, () -> "never"),
                    StorageError.IN_USE,
                    "can't lock file '" + local + "' - got timeout");
            Failing.isRefused(
                    () -> own.storage(STORE, true).hold(Duration.ZERO, () -> "never"),
                    StorageError.IN_USE,
                    "cfs-lock 'storage-store' error: got lock request timeout");
        }
    }

    @Test
    void whoeverLostPatienceNeitherKeepsTheLockNorKeepsItFromTheNext() throws Exception {
        Path file = files.resolve("pve-storage-store");
        ExclusiveLock lock = own.storage(STORE, false);
        lock.hold(null, () -> "makes the directory");
        Flock held = Flock.open(file);
        assertThat(held.tryLock()).isTrue();
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> lock.hold(Duration.ofMillis(20), () -> "never"))
                    .hasMessageEndingWith("got timeout");
        }
        assertThat(Thread.getAllStackTraces().keySet().stream().map(Thread::getName))
                .filteredOn("lock-pve-storage-store"::equals)
                .hasSize(1);
        FutureTask<String> waiting = started(() -> lock.hold(null, () -> "had"));
        held.close();
        assertThat(waiting.get(10, TimeUnit.SECONDS)).isEqualTo("had");

        Flock again = Flock.open(file);
        assertThat(again.tryLock()).isTrue();
        assertThatThrownBy(() -> lock.hold(Duration.ofMillis(20), () -> "never"))
                .hasMessageEndingWith("got timeout");
        again.close();
        try (Flock other = Flock.open(file)) {
            other.lock();
        }
        assertThat(lock.hold(null, () -> "had")).isEqualTo("had");
        assertThat(isLocked(file)).isFalse();
    }

    @Test
    void aLockOfOneNodeIsReentrantForItsThreadAndExcludesOthers() throws Exception {
        ExclusiveLock lock = own.storage(STORE, false);
        String result = lock.hold(null, () -> {
            FutureTask<String> other = started(() -> lock.hold(Duration.ofMillis(50), () -> "never"));
            assertThatThrownBy(() -> other.get(10, TimeUnit.SECONDS)).hasMessageContaining("got timeout");
            return own.storage(STORE, false).hold(Duration.ZERO, () -> "inner") + " outer";
        });
        assertThat(result).isEqualTo("inner outer");
        assertThat(isLocked(files.resolve("pve-storage-store"))).isFalse();
        FutureTask<String> other = started(() -> lock.hold(Duration.ZERO, () -> "had"));
        assertThat(other.get(10, TimeUnit.SECONDS)).isEqualTo("had");
    }

    @Test
    void aSharedLockIsNotReentrantAndSaysSoAtOnce() {
        for (Locks locks : List.of(own, pve)) {
            ExclusiveLock lock = locks.storage(STORE, true);
            lock.hold(null, () -> {
                Failing.isRefused(
                        () -> locks.storage(STORE, true).hold(null, () -> "never"),
                        StorageError.IN_USE,
                        "cfs-lock 'storage-store' error: got lock request timeout (the thread that asks");
                return "held";
            });
            assertThat(lock.hold(Duration.ZERO, () -> "free")).isEqualTo("free");
        }
    }

    @Test
    void whatTheWorkThrowsIsThrownAndTheLockIsFreeAgain() {
        StorageException failure = StorageException.refused(StorageError.NOT_FOUND, "no such volume");
        for (ExclusiveLock lock :
                List.of(own.storage(STORE, false), own.storage(STORE, true), pve.storage(STORE, true))) {
            assertThatThrownBy(() -> lock.hold(null, () -> {
                        throw failure;
                    }))
                    .isSameAs(failure);
            assertThat(lock.hold(Duration.ZERO, () -> "free")).isEqualTo("free");
        }
    }

    @Test
    void threadsGetTheLockInTheOrderInWhichTheyAsked() throws Exception {
        ExclusiveLock lock = own.storage(STORE, false);
        List<Integer> order = new ArrayList<>();
        List<FutureTask<Boolean>> waiting = new ArrayList<>();
        lock.hold(null, () -> {
            for (int i = 0; i < 5; i++) {
                int number = i;
                FutureTask<Boolean> task = new FutureTask<>(() -> lock.hold(null, () -> order.add(number)));
                Thread thread = Thread.ofPlatform().daemon().start(task);
                while (thread.getState() != Thread.State.TIMED_WAITING) {
                    Thread.onSpinWait();
                }
                waiting.add(task);
            }
            return "held";
        });
        for (FutureTask<Boolean> task : waiting) {
            task.get(10, TimeUnit.SECONDS);
        }
        assertThat(order).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void anInterruptEndsTheWaitAndStaysKnown() throws Exception {
        own.storage(STORE, false).hold(null, () -> "makes the directory");
        Files.createDirectories(cluster.resolve("priv/lock/storage-store"));
        try (Flock held = Flock.open(files.resolve("pve-storage-store"))) {
            assertThat(held.tryLock()).isTrue();
            for (ExclusiveLock lock : List.of(own.storage(STORE, false), pve.storage(STORE, true))) {
                FutureTask<Boolean> task = new FutureTask<>(() -> {
                    Failing.isRefused(
                            () -> lock.hold(null, () -> "never"), StorageError.CANCELLED, "the wait was interrupted");
                    return Thread.currentThread().isInterrupted();
                });
                Thread thread = Thread.ofPlatform().daemon().start(task);
                while (thread.getState() != Thread.State.TIMED_WAITING) {
                    Thread.onSpinWait();
                }
                thread.interrupt();
                assertThat(task.get(10, TimeUnit.SECONDS)).isTrue();
            }
        }
        assertThat(own.storage(STORE, false).hold(null, () -> "free")).isEqualTo("free");
    }

    @Test
    void aLockFileThatCannotBeOpenedIsToldWithTheReason() throws IOException {
        Files.createDirectories(files.resolve("pve-storage-store"));
        Files.createDirectories(files.resolve("storage-store"));
        Failing.isRefused(
                () -> own.storage(STORE, false).hold(null, () -> "never"),
                StorageError.STORAGE_UNAVAILABLE,
                "can't lock file '" + files + "/pve-storage-store' - can't open file - Is a directory");
        Failing.isRefused(
                () -> own.storage(STORE, true).hold(null, () -> "never"),
                StorageError.STORAGE_UNAVAILABLE,
                "cfs-lock 'storage-store' error: can't open file '" + files + "/storage-store' - Is a directory");
        Failing.isRefused(
                () -> Locks.forFile(root.resolve("missing/a.cfg")).hold(null, () -> "never"),
                StorageError.STORAGE_UNAVAILABLE,
                "can't open file - No such file or directory");
        Path file = Files.createFile(root.resolve("file"));
        Failing.isRefused(
                () -> new Locks(file, null).storage(STORE, false).hold(null, () -> "never"),
                StorageError.STORAGE_UNAVAILABLE,
                "can't make directory '" + file + "'");
    }

    @Test
    void aLockDirectoryIsMadeForItsOwnerAloneAndMustNotBelongToSomebodyElse() throws IOException {
        own.storage(STORE, false).hold(null, () -> "held");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(files)))
                .isEqualTo("rwx------");
        Assumptions.assumeTrue(EffectiveUser.id() == 0, "only root may give a directory away");
        Files.setAttribute(files, "unix:uid", 65534);
        Failing.isRefused(
                () -> own.storage(STORE, false).hold(null, () -> "never"),
                StorageError.PERMISSION_DENIED,
                "the lock directory '" + files + "' belongs to somebody else (uid 65534)");
    }

    @Test
    void aClusterLockThatIsHeldIsAskedForAndRefusedInTheEnd() throws IOException {
        Path stale = Files.createDirectories(cluster.resolve("priv/lock/storage-store"));
        Failing.isRefused(
                () -> pve.storage(STORE, true).hold(SHORT, () -> "never"),
                StorageError.IN_USE,
                "cfs-lock 'storage-store' error: got lock request timeout");
        assertThat(Files.getLastModifiedTime(stale)).isEqualTo(FileTime.fromMillis(0));
    }

    @Test
    void aStaleClusterLockIsTakenOnceTheFileSystemHasDroppedIt() throws Exception {
        Path stale = Files.createDirectories(cluster.resolve("priv/lock/storage-store"));
        FutureTask<String> waiting = started(() -> pve.storage(STORE, true).hold(null, () -> "had"));
        while (Files.getLastModifiedTime(stale).toMillis() != 0) {
            Thread.onSpinWait();
        }
        Files.delete(stale);
        assertThat(waiting.get(10, TimeUnit.SECONDS)).isEqualTo("had");
        assertThat(stale).doesNotExist();
    }

    @Test
    void aClusterWithoutQuorumOrWithoutFileSystemIsTold() throws IOException {
        Files.delete(cluster.resolve("local"));
        Files.createDirectories(cluster.resolve("priv/lock/storage-store"));
        Failing.isRefused(
                () -> pve.storage(STORE, true).hold(Duration.ZERO, () -> "never"),
                StorageError.STORAGE_UNAVAILABLE,
                "cfs-lock 'storage-store' error: no quorum!");
        Failing.isRefused(
                () -> new Locks(files, root.resolve("unmounted"))
                        .storage(STORE, true)
                        .hold(null, () -> "never"),
                StorageError.STORAGE_UNAVAILABLE,
                "cfs-lock 'storage-store' error: pve cluster filesystem not online.");
    }

    @Test
    void workThatTakesTooLongUnderAClusterLockIsInterruptedAndFails() {
        ExclusiveLock lock = new ClusterLock(cluster, "storage-store", Duration.ofMillis(50));
        CountDownLatch never = new CountDownLatch(1);
        Supplier<String> obedient = () -> {
            try {
                never.await();
                return "never";
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new StorageException(StorageError.CANCELLED, Outcome.FAILED_CLEAN, "stopped", e);
            }
        };
        Supplier<String> stubborn = () -> {
            while (!Thread.interrupted()) {
                Thread.onSpinWait();
            }
            return "done all the same";
        };
        for (Supplier<String> work : List.of(obedient, stubborn)) {
            Failing.fails(
                    () -> lock.hold(null, work),
                    StorageError.DEADLINE_EXCEEDED,
                    Outcome.UNKNOWN,
                    "'storage-store'-locked command timed out - aborting");
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            assertThat(cluster.resolve("priv/lock")).isEmptyDirectory();
        }
    }

    @Test
    void theLimitOfOneWorkDoesNotReachTheNext() throws InterruptedException {
        ExclusiveLock lock = new ClusterLock(cluster, "storage-store", Duration.ofMillis(50));
        for (int i = 0; i < 20; i++) {
            assertThat(lock.hold(null, () -> "quick")).isEqualTo("quick");
        }
        assertThat(new CountDownLatch(1).await(100, TimeUnit.MILLISECONDS)).isFalse();
    }

    @Test
    void theOwnDirectoryIsThatOfThePerlModules() {
        assertThat(Locks.ownDirectory(Map.of(), 0)).isEqualTo(Path.of("/var/lib/tenon/lock"));
        assertThat(Locks.ownDirectory(Map.of(), 1000)).isEqualTo(Path.of("/tmp/tenon-1000/lock"));
        assertThat(Locks.ownDirectory(Map.of("XDG_RUNTIME_DIR", "/run/user/1000"), 1000))
                .isEqualTo(Path.of("/run/user/1000/tenon/lock"));
        assertThat(Locks.ownDirectory(Map.of("TENON_LOCK_DIR", "/srv/locks"), 0))
                .isEqualTo(Path.of("/srv/locks"));
        Failing.isRefused(
                () -> Locks.ownDirectory(Map.of("TENON_LOCK_DIR", "locks"), 0),
                StorageError.BAD_CONFIG,
                "the lock directory 'locks' is no absolute path");
    }

    private static <T> FutureTask<T> started(Supplier<T> work) {
        FutureTask<T> task = new FutureTask<>(work::get);
        Thread.ofVirtual().start(task);
        return task;
    }

    /** The only file that is locked while the lock is held. */
    private String lockedFile(ExclusiveLock lock) {
        return lock.hold(null, () -> {
            try (var all = Files.walk(root)) {
                List<Path> locked = all.filter(Files::isRegularFile)
                        .filter(LocksTest::isLocked)
                        .toList();
                return locked.size() == 1 ? root.relativize(locked.getFirst()).toString() : locked.toString();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private static boolean isLocked(Path file) {
        try (Flock other = Flock.open(file)) {
            return !other.tryLock();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
