package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlBackupHost;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each row of what PVE calls after a failure, from a host in Perl through the daemon to a provider in Perl that dies in one
 * call: what the provider is called with, and what the host hears.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FailureRowsTest {
    private static final List<String> UNTIL_DATA =
            List.of("job_init", "backup_init", "backup_get_mechanism", "backup_vm_query_incremental", "backup_vm");

    enum Row {
        LOCK("the lock failed", 1, "the lock"),
        JOB_INIT("job_init", 1, null),
        BACKUP_INIT("backup_init", 2, "it is broken"),
        BACKUP_GET_MECHANISM("backup_get_mechanism", 3, "it is broken"),
        BACKUP_VM_QUERY_INCREMENTAL("backup_vm_query_incremental", 4, "it is broken"),
        BACKUP_VM("backup_vm", 5, "it is broken"),
        PROTECTED_FLAG("the protected flag failed", 5, "the protected flag failed"),
        CLEANUP_OF_A_SUCCESS("backup_cleanup success", 5, "it is broken"),
        CLEANUP_OF_A_FAILURE("backup_cleanup failure", 5, "the protected flag failed"),
        END_HOOK("the end hook failed", 5, "the end hook failed"),
        LOG_FILE("backup_handle_log_file", 5, null),
        JOB_CLEANUP("job_cleanup", 5, null);

        private final String place;
        private final int before;

        /** What the provider hears of it, null if the backup is a success or never began. */
        private final @Nullable String error;

        Row(String place, int before, @Nullable String error) {
            this.place = place;
            this.before = before;
            this.error = error;
        }

        /** Where the host itself fails. */
        String ofHost() {
            return switch (this) {
                case LOCK -> "lock";
                case PROTECTED_FLAG, CLEANUP_OF_A_FAILURE -> "protected flag";
                case END_HOOK -> "end hook";
                default -> "";
            };
        }

        List<String> calls() {
            List<String> calls = new ArrayList<>(UNTIL_DATA.subList(0, before));
            if (this == JOB_INIT) {
                return List.of("job_init", "job_cleanup");
            }
            boolean isDone = this == LOG_FILE || this == JOB_CLEANUP;
            if (isDone || this == CLEANUP_OF_A_SUCCESS || this == END_HOOK) {
                calls.add("backup_cleanup success");
            }
            if (!isDone) {
                calls.add("backup_cleanup failure " + (this == LOCK ? "the lock failed" : error));
            }
            calls.add("backup_handle_log_file");
            calls.add("job_cleanup");
            if (this == JOB_CLEANUP) {
                calls.add("job_cleanup");
            }
            return calls;
        }
    }

    private @Nullable DaemonProcess daemon;

    @BeforeAll
    void start(Scratch scratch) {
        daemon = DaemonProcess.start(scratch, Installation.plugin("DyingBackupPlugin.pm"));
    }

    @ParameterizedTest
    @EnumSource
    void theProviderIsCleanedUpAsAfterEachFailureOfPve(Row row, Scratch scratch) throws IOException {
        Map<String, Object> task = new LinkedHashMap<>();
        task.put("task", "backup");
        task.put("socket", Objects.requireNonNull(daemon).socket().toString());
        task.put("plugin", "dyingbackup");
        task.put("storeid", "vault");
        task.put(
                "scfg",
                Map.of("type", "dyingbackup", "path", scratch.storage().toString(), "dyingbackup-call", row.place));
        task.put("vmid", 100);
        task.put("type", "qemu");
        task.put("start", 1_700_000_000);
        task.put("sizes", Map.of("drive-scsi0", 1 << 20));
        task.put("fail", row.ofHost());
        task.put(
                "config",
                Files.writeString(scratch.file("guest.conf"), "name: guest\n").toString());
        task.put("log", Files.writeString(scratch.file("task.log"), "a line\n").toString());

        PerlBackupHost host = PerlBackupHost.start(scratch, false, task);
        host.finish(answers -> Map.of());

        assertThat(scratch.storage().resolve("calls")).hasContent(String.join("\n", row.calls()));
        switch (row) {
            case JOB_INIT, LOG_FILE -> assertThat(host.said("job error")).containsExactly("it is broken\n");
            case JOB_CLEANUP -> assertThat(host.said("warning")).containsExactly("job: it is broken\n");
            case CLEANUP_OF_A_FAILURE -> {
                assertThat(host.said("error")).containsExactly("the protected flag failed\n");
                assertThat(host.said("warning")).containsExactly("cleanup: it is broken\n");
            }
            case LOCK -> assertThat(host.said("error")).containsExactly("the lock failed\n");
            default -> {
                assertThat(host.said("error")).containsExactly(row.error + "\n");
                assertThat(host.said("warning")).isEmpty();
            }
        }
    }
}
