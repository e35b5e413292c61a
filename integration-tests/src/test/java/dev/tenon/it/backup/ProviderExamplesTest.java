package dev.tenon.it.backup;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Guest;
import dev.tenon.it.support.Scratch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/**
 * The two example providers that PVE's makers have published, unmodified, driven by a host in Java: one keeps directories of
 * qcow2 images, the other calls Borg. {@value #VARIABLE} names a directory with a directory for each, laid out as Perl's
 * library is. They want devices of the kernel's NBD client, mounts and files of PVE in the places that PVE has, so they run in
 * a guest, where the commands of Borg take seconds each.
 */
@Timeout(value = 25, unit = TimeUnit.MINUTES)
class ProviderExamplesTest {
    static final String VARIABLE = "TENON_PROVIDER_EXAMPLES";

    @TestFactory
    Stream<DynamicTest> directories(Scratch scratch) {
        return tests(
                scratch, ProviderExamples.OfDirectories.PLUGIN, ProviderExamples.OfDirectories.class, "mksquashfs");
    }

    @TestFactory
    Stream<DynamicTest> borg(Scratch scratch) {
        return tests(scratch, ProviderExamples.OfBorg.PLUGIN, ProviderExamples.OfBorg.class, "borg", "sshd");
    }

    @TestFactory
    Stream<DynamicTest> theContractOfDirectories(Scratch scratch) {
        return tests(scratch, ProviderExamples.OfDirectories.PLUGIN, ProviderExamples.ContractOfDirectories.class);
    }

    @TestFactory
    Stream<DynamicTest> theContractOfBorg(Scratch scratch) {
        return tests(scratch, ProviderExamples.OfBorg.PLUGIN, ProviderExamples.ContractOfBorg.class, "borg", "sshd");
    }

    private static Stream<DynamicTest> tests(Scratch scratch, String plugin, Class<?> examples, String... programs) {
        String directory = System.getenv(VARIABLE);
        assumeTrue(
                directory != null && !directory.isEmpty(),
                "set " + VARIABLE + " to a directory with PVE's example providers to run them");
        Path file = ProviderExamples.plugin(Path.of(directory), plugin);
        for (String program : programs) {
            assumeTrue(isInstalled(program), "there is no " + program + ", which the example calls");
        }
        return new Guest(scratch)
                .withDisk("1G")
                .withVariable("PERL5LIB", ProviderExamples.libraryOf(file).toString())
                // Borg asks its user otherwise.
                .withVariable("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes")
                .withVariable("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes")
                .withProperty("tenon.examples", directory)
                .tests(examples);
    }

    private static boolean isInstalled(String program) {
        return List.of("/usr/bin", "/usr/sbin", "/sbin").stream()
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }
}
