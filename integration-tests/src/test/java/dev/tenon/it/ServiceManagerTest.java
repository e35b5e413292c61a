package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.RawClient;
import dev.tenon.it.support.Scratch;
import dev.tenon.proto.Frame;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A daemon that systemd starts: it takes over the socket, and says when it answers. */
class ServiceManagerTest {
    /**
     * A service manager in Perl, as far as the protocols go: it opens the socket and appends what it is told to a
     * file, if there is that file. The
     * last of its own words is added to the number of the process that the socket is said to be for.
     */
    private static final String MANAGER = """
            use Socket;
            my ($listen, $notify, $told, $offset) = splice(@ARGV, 0, 4);
            my ($told_here, $socket);
            socket($told_here, AF_UNIX, SOCK_DGRAM, 0) && bind($told_here, pack_sockaddr_un($notify)) or die "$notify: $!";
            if (-e $told && !(fork // die "fork: $!")) {
                open(my $out, '>>', $told) or die "$told: $!";
                $out->autoflush(1);
                while (defined(recv($told_here, my $message, 4096, 0))) {
                    print $out "$message\n";
                    exit(0) if $message eq 'STOPPING=1';
                }
                exit(1);
            }
            socket($socket, AF_UNIX, SOCK_STREAM, 0) && bind($socket, pack_sockaddr_un($listen)) && listen($socket, 16)
                or die "$listen: $!";
            require POSIX;
            # Numbers above 2 are closed when a program is started, but for copies.
            POSIX::dup2(fileno($socket), 200) && POSIX::dup2(200, 3) && POSIX::close(200) or die "dup2: $!";
            @ENV{qw(LISTEN_FDS LISTEN_PID NOTIFY_SOCKET)} = (1, $$ + $offset, $notify);
            exec(@ARGV) or die "exec: $!";
            """;

    private static List<String> manager(Scratch scratch, Path listen, int offset) {
        return List.of(
                "perl",
                "-MIO::Handle",
                "-e",
                MANAGER,
                listen.toString(),
                scratch.runtime().resolve("notify").toString(),
                scratch.file("told").toString(),
                Integer.toString(offset));
    }

    private static void awaitTold(Scratch scratch, String... lines) {
        Awaitility.await("what the service manager is told")
                .atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(10))
                .untilAsserted(() -> assertThat(scratch.file("told")).content().isEqualTo(String.join("", lines)));
    }

    @Test
    void itAnswersAtTheSocketThatItWasStartedWithAndLeavesItWhereItIs(Scratch scratch) throws IOException {
        Path socket = DaemonProcess.socketIn(scratch);
        Files.createFile(scratch.file("told"));
        DaemonProcess daemon = DaemonProcess.startBy(scratch, manager(scratch, socket, 0));
        try (RawClient client = RawClient.greet(socket)) {
            client.send(new Frame.Ping(1));
            assertThat(client.next()).isEqualTo(new Frame.Pong(1));
        }
        awaitTold(scratch, "READY=1\n");
        daemon.terminate();
        assertThat(daemon.awaitEnd()).isEqualTo(143);
        awaitTold(scratch, "READY=1\n", "STOPPING=1\n");
        assertThat(socket).exists();
        assertThat(socket.resolveSibling("control.fds")).doesNotExist();
        Files.delete(socket);
        Files.delete(scratch.runtime().resolve("notify"));
    }

    @Test
    void aDaemonThatTakesOverInTheUnitIsItsMainProcess(Scratch scratch) throws Exception {
        Path socket = DaemonProcess.socketIn(scratch);
        Files.createFile(scratch.file("told"));
        DaemonProcess first = DaemonProcess.startBy(scratch, manager(scratch, socket, 0));
        awaitTold(scratch, "READY=1\n");

        assertThat(takeOver(
                        scratch,
                        "--socket",
                        scratch.file("told").resolve("control.sock").toString()))
                .isNotZero();
        RawClient.greet(socket).close();
        assertThat(takeOver(scratch, "--socket", socket.toString())).isZero();

        assertThat(first.awaitEnd()).as(first.log()).isZero();
        String told = Files.readString(scratch.file("told"));
        ProcessHandle second = ProcessHandle.of(Long.parseLong(told.strip().replaceFirst("(?s).*MAINPID=", "")))
                .orElseThrow();
        try {
            RawClient.greet(socket).close();
        } finally {
            second.destroy();
        }
        awaitTold(scratch, "READY=1\n", "MAINPID=" + second.pid() + "\n", "STOPPING=1\n");
        // Nobody may wait for what is left of it.
        Awaitility.await("the daemon ends")
                .atMost(Duration.ofSeconds(30))
                .until(() -> second.info().command().isEmpty());
        assertThat(socket).exists();
        Files.delete(socket);
        Files.delete(scratch.runtime().resolve("notify"));
    }

    /** What the unit does when it is reloaded; the exit status. */
    private static int takeOver(Scratch scratch, String... options) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of(
                "serve",
                "--take-over",
                "--journal",
                scratch.file("journal").toString(),
                "--adopted",
                scratch.file("nothing-adopted").toString()));
        arguments.addAll(List.of(options));
        List<String> command = new ArrayList<>(
                List.of(Installation.home().resolve("packaging/take-over").toString()));
        command.addAll(Installation.tenonCommand(scratch.temporary(), arguments.toArray(String[]::new)));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        scratch.file("take-over.log").toFile()))
                .redirectInput(new File("/dev/null"))
                .start()
                .waitFor();
    }

    @Test
    void aSocketForAnotherPathIsTold(Scratch scratch) throws IOException {
        Path other = scratch.runtime().resolve("other.sock");
        DaemonProcess daemon = DaemonProcess.launchBy(scratch, manager(scratch, other, 0));
        assertThat(daemon.awaitEnd()).isEqualTo(1);
        assertThat(daemon.log().lines().toList())
                .last()
                .isEqualTo("tenon: this process was started with a socket at '" + other + "' and none at '"
                        + daemon.socket() + "'; make ListenStream= of its socket unit and --socket the same");
        Files.delete(other);
        Files.delete(scratch.runtime().resolve("notify"));
    }

    @Test
    void whatWasMeantForAnotherProcessIsLeftAlone(Scratch scratch) throws IOException {
        Path other = scratch.runtime().resolve("other.sock");
        Files.createFile(scratch.file("told"));
        DaemonProcess daemon = DaemonProcess.startBy(scratch, manager(scratch, other, 1));
        awaitTold(scratch, "READY=1\n");
        daemon.terminate();
        assertThat(daemon.awaitEnd()).isEqualTo(143);
        awaitTold(scratch, "READY=1\n", "STOPPING=1\n");
        assertThat(daemon.socket()).doesNotExist();
        Files.delete(other);
        Files.delete(scratch.runtime().resolve("notify"));
    }
}
