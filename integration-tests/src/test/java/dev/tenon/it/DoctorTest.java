package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.linux.ProcessIdentity;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The command {@code tenon doctor}, and what the daemon says of interrupted work. */
class DoctorTest {
    private final Scratch scratch;
    private final Path journal;

    DoctorTest(Scratch scratch) {
        this.scratch = scratch;
        journal = scratch.file("journal");
    }

    private record Ended(int status, String said) {}

    /** A process that was making an image ended in the middle. */
    @BeforeEach
    void interrupt() throws IOException {
        ProcessIdentity own = ProcessIdentity.own();
        ProcessIdentity dead = new ProcessIdentity(own.node(), own.boot(), own.pid(), own.start() - 1);
        Path staging = scratch.storage().resolve("images/100/.tenon-" + dead + "-0123456789abcdef");
        Files.createDirectories(staging);
        Files.writeString(staging.resolve("vm-100-disk-0.raw"), "half");
        Files.createDirectories(journal);
        Files.writeString(journal.resolve("1-" + dead + "-1.entry"), """
                tenon-journal=1
                operation=allocImage
                storage=nas
                type=dir
                started=2026-01-02T03:04:05Z
                parameter.name=vm-100-disk-0.raw
                end
                """);
    }

    private Ended doctor(String... options) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of("doctor", "--journal", journal.toString()));
        arguments.addAll(List.of(options));
        TenonCommand command = TenonCommand.run(scratch, arguments.toArray(String[]::new));
        return new Ended(command.status(), command.said() + command.errors());
    }

    @Test
    void tellsThenRepairsThenFindsNothing() throws Exception {
        String storage = "nas=" + scratch.storage();

        Ended told = doctor("--dir", storage, "--json");
        assertThat(told.status()).isEqualTo(1);
        assertThat(JSON.std.listFrom(told.said()))
                .extracting(
                        finding -> ((Map<?, ?>) finding).get("kind"), finding -> ((Map<?, ?>) finding).get("repaired"))
                .containsExactly(tuple("unfinished", false), tuple("interrupted", false));

        Ended repaired = doctor("--dir", storage, "--repair");
        assertThat(repaired.status()).as(repaired.said()).isZero();
        assertThat(repaired.said())
                .contains("nas: unfinished, repaired", "nas: interrupted, repaired", "3 repaired, 0 left");
        assertThat(scratch.storage().resolve("images")).isEmptyDirectory();
        assertThat(journal).isEmptyDirectory();

        assertThat(doctor("--dir", storage)).isEqualTo(new Ended(0, "nothing is wrong\n"));
    }

    @Test
    void namesTheStorageThatNobodyExaminedAndTheOneThatIsNotThere() throws Exception {
        Ended told = doctor("--dir", "other=" + scratch.file("missing"), "--repair");

        assertThat(told.status()).isEqualTo(1);
        assertThat(told.said())
                .contains(
                        "tenon: unable to examine storage 'other' - directory '" + scratch.file("missing")
                                + "' does not exist or is unreachable",
                        "examine storage 'nas' too",
                        "0 repaired, 1 left");
        assertThat(journal).isNotEmptyDirectory();
    }

    @Test
    void whatThePluginOfAStorageCannotExamineIsForgottenByItsName() throws Exception {
        Path store = Files.createDirectories(scratch.file("old"));
        Path guest = Files.writeString(
                Files.createDirectories(store.resolve("images")).resolve("100"), "no directory");
        Path config = Files.writeString(
                scratch.file("storage.cfg"),
                "legacydir: old\n\tpath " + store + "\n\tcontent images\n\ndir: nas\n\tpath " + scratch.storage()
                        + "\n");
        String[] host = {
            "--config",
            config.toString(),
            "--journal",
            journal.toString(),
            "--plugin",
            Installation.legacyDirPlugin().toString(),
            "--adopted",
            scratch.file("adopted").toString()
        };
        for (int i = 0; i < 3; i++) {
            TenonCommand alloc =
                    run(host, "volume", "alloc", "old", "--vmid", "100", "--size", "1M", "--name", "vm-100-disk-0.raw");
            assertThat(alloc.status()).as(alloc.errors()).isEqualTo(3);
        }
        TenonCommand told = run(host, "doctor", "old", "--json");
        assertThat(told.status()).isOne();
        assertThat(JSON.std.listFrom(told.said()))
                .filteredOn(finding -> "old".equals(((Map<?, ?>) finding).get("storage")))
                .singleElement()
                .satisfies(finding -> assertThat(((Map<?, ?>) finding).get("remedy"))
                        .isEqualTo("look at the storage whether it took effect, then run 'tenon doctor old --forget'"));

        Files.delete(guest);
        assertThat(run(host, "doctor", "old").said()).contains("the storage lists no image 'vm-100-disk-0.raw' now");

        assertThat(run(host, "doctor", "nas", "--forget").errors())
                .startsWith("tenon: storage 'nas' can be examined, so nothing of it is forgotten unseen; use --repair");
        TenonCommand forgotten = run(host, "doctor", "old", "--forget");
        assertThat(forgotten.errors()).isEmpty();
        assertThat(forgotten.said()).startsWith("old: interrupted, forgotten\n").endsWith("1 forgotten\n");
        assertThat(forgotten.status()).isZero();
        assertThat(run(host, "doctor", "old").said()).doesNotContain("old: ");

        Files.writeString(config, "");
        assertThat(run(host, "doctor", "nas", "--forget").said()).endsWith("1 forgotten\n");
        assertThat(journal).isEmptyDirectory();
    }

    private TenonCommand run(String[] host, String... words) {
        return TenonCommand.run(
                scratch, Stream.concat(Stream.of(words), Stream.of(host)).toArray(String[]::new));
    }

    @Test
    void forgettingNeedsNames() throws Exception {
        assertThat(doctor("--forget").status()).isEqualTo(2);
        assertThat(doctor("nas", "--forget", "--repair").status()).isEqualTo(2);
        assertThat(journal).isNotEmptyDirectory();
    }

    @Test
    void theDaemonSaysWhatWasInterruptedBeforeItStarted() {
        DaemonProcess daemon = DaemonProcess.start(scratch);

        assertThat(daemon.log())
                .contains("event=interrupted operation=\"allocImage of storage 'nas' (name='vm-100-disk-0.raw')\""
                        + " begun=2026-01-02T03:04:05Z do=\"run tenon doctor\"");
    }
}
