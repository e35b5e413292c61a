package dev.tenon.it.backup;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.tenon.core.spi.Storage;
import dev.tenon.it.support.Scratch;
import dev.tenon.tck.backup.BackupProviderContract;
import dev.tenon.tck.backup.BackupSubject;
import java.io.IOException;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.opentest4j.TestAbortedException;

/**
 * The contract of a provider, with PVE's example that keeps directories, in the guest of {@link ProviderExamplesTest}. It is
 * no whole provider, and its makers say so: what of the contract it does not keep is listed, and reported as skipped. If it
 * keeps it some day, the test fails.
 */
final class ProviderExamplesContract {
    private ProviderExamplesContract() {}

    /** By a test of the contract, why the example does not pass it. */
    private record NotKept(Map<String, String> reasons) implements InvocationInterceptor {
        @Override
        public void interceptTestMethod(
                Invocation<@Nullable Void> test, ReflectiveInvocationContext<Method> method, ExtensionContext context)
                throws Throwable {
            String reason = reasons.get(method.getExecutable().getName());
            if (reason == null) {
                test.proceed();
                return;
            }
            try {
                test.proceed();
            } catch (TestAbortedException e) {
                throw e;
            } catch (Exception | AssertionError e) {
                abort("the example does not keep this: " + reason);
            }
            throw new AssertionError("the example keeps this now, which was not so: " + reason);
        }
    }

    static class OfDirectories extends BackupProviderContract {
        @RegisterExtension
        static final InvocationInterceptor NOT_KEPT = new NotKept(Map.of(
                "anArchiveIsListedAndKeptOnceItsDataAreThere",
                "it lists an archive from its beginning on",
                "aBackupWithoutDataIsNoSuccess",
                "it looks for no data when a backup succeeds",
                "aContainerWhoseChildEndedTooEarlyIsNoSuccess",
                "it looks for no data when a backup succeeds",
                "anArchiveThatIsProtectedIsNotRemoved",
                "it knows no protection",
                "whatIsNotThereIsSaidBeforeAnythingIsLost",
                "it removes no archive",
                "whatIsNoBaseIsNotUsed",
                "it takes an archive for a base whatever its size",
                "anArchiveIsABaseOnlyIfItIsThereAfterALateFailure",
                "it goes back to the archive before, of which QEMU knows no changes any more"));

        private @Nullable BackupSubject subject;

        @BeforeAll
        static void start() throws IOException {
            ProviderExamples.OfDirectories.start();
        }

        @BeforeEach
        void make(Scratch scratch) throws IOException {
            subject = new BackupSubject(
                    ProviderExamples.example(scratch, ProviderExamples.OfDirectories.PLUGIN),
                    Storage.of(
                            "contract",
                            ProviderExamples.OfDirectories.TYPE,
                            Map.of(
                                    "path",
                                    ProviderExamples.directory("vault-").toString(),
                                    "vm-backup-mode",
                                    "incremental")),
                    scratch.runtime(),
                    true,
                    false,
                    true);
        }

        @Override
        protected BackupSubject subject() {
            return Objects.requireNonNull(subject);
        }
    }
}
