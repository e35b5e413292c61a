package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Images;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.RawClient;
import dev.tenon.it.support.Requests;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TransferProgram;
import dev.tenon.proto.Frame;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.Value;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A daemon that may open no more files for a while. */
class LackOfDescriptorsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @BeforeEach
    void needsJars() {
        assumeTrue(Installation.isPackaged(), "classes that are not in jars are opened one by one: run mvn verify");
    }

    /** How many files a process may have open from now on; more that are open stay so. */
    private static void limit(DaemonProcess daemon, String most) throws Exception {
        Process prlimit = new ProcessBuilder("prlimit", "--pid", Long.toString(daemon.pid()), "--nofile=" + most + ":")
                .inheritIO()
                .start();
        assertThat(prlimit.waitFor()).isZero();
    }

    private static Map<String, Value> allocation(Scratch scratch, String name) {
        return Map.of(
                "storeid", Value.ofText("nas"),
                "scfg", Requests.section(scratch, "dir"),
                "vmid", new Value.Int(100),
                "fmt", Value.ofText("raw"),
                "name", Value.ofText(name),
                "size", new Value.Int(1024));
    }

    @Test
    void whatItCouldNotDoMeanwhileItDoesAfterwards(Scratch scratch) throws Exception {
        DaemonProcess daemon = DaemonProcess.start(scratch);
        Images.raw(scratch.storage(), 100, "vm-100-disk-0.raw");
        try (RawClient client = RawClient.greet(daemon.socket())) {
            limit(daemon, "3");
            try (RawClient late = RawClient.connect(daemon.socket())) {
                late.send(RawClient.hello(1));
                TransferProgram export = TransferProgram.exporting(scratch, "dir", "100/vm-100-disk-0.raw", "raw+size");

                client.request(
                        1,
                        "status",
                        Map.of("storeid", Value.ofText("nas"), "scfg", Requests.section(scratch, "dir")),
                        "dir");
                Frame status = client.next();
                if (status instanceof Frame.Response(long ignored, Value.Fields space)) {
                    assertThat(space.get("active")).isEqualTo(new Value.Bool(true));
                } else {
                    assertThat(status).isInstanceOf(Frame.Failure.class);
                }
                client.request(2, "alloc_image", allocation(scratch, "vm-100-disk-1.raw"), "dir");
                assertThat(client.next()).isInstanceOf(Frame.Failure.class);
                Awaitility.await().atMost(PATIENCE).until(() -> daemon.log().contains("event=not-accepted"));

                limit(daemon, "1024");
                assertThat(late.next()).isInstanceOf(Frame.Hello.class);
                client.request(3, "alloc_image", allocation(scratch, "vm-100-disk-2.raw"), "dir");
                assertThat(client.next()).isEqualTo(new Frame.Response(3, Value.ofText("100/vm-100-disk-2.raw")));
                assertThat(export.output().readAllBytes())
                        .hasSize((int) Files.size(scratch.storage().resolve("images/100/vm-100-disk-0.raw"))
                                + Long.BYTES);
                assertThat(export.awaitEnd()).as(export.errors()).isZero();
            }
        }
        assertThat(daemon.log()).doesNotContain("event=defect", "NoClassDefFoundError");
    }

    @Test
    void aHostedStorageThatCannotBeAskedMeanwhileIsNotSaidToBeInactive(Scratch scratch) throws Exception {
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("TorturePlugin.pm"));
        Path go = scratch.file("go");
        Path ready = scratch.file("ready");
        Value.Fields section = Requests.section(scratch, "torture", "go", go.toString(), "ready", ready.toString());
        Map<String, Value> asked = Map.of("storeid", Value.ofText("nas"), "scfg", section);
        try (RawClient client = RawClient.greet(daemon.socket())) {
            // The only member is busy, so that the next call needs a new process.
            client.request(1, "volume_size_info", Requests.volume(section, "wait"), "torture");
            Awaitility.await().atMost(PATIENCE).until(() -> Files.exists(ready));
            limit(daemon, "3");
            client.request(2, "status", asked, "torture");
            Frame.Failure refused = client.failure();
            assertThat(refused.id()).isEqualTo(2);
            assertThat(refused.error().message()).contains("Too many open files");
            assertThat(refused.error().outcome()).isEqualTo(Outcome.NOT_STARTED);

            limit(daemon, "1024");
            client.request(3, "status", asked, "torture");
            assertThat(client.response().result())
                    .isInstanceOfSatisfying(
                            Value.Fields.class,
                            space -> assertThat(space.get("active")).isEqualTo(new Value.Bool(true)));
            limit(daemon, "3");
            Files.createFile(go);
            assertThat(client.response().id()).isEqualTo(1);
            limit(daemon, "1024");
        }
    }

    @Test
    void theSocketForDescriptorsAcceptsAgain(Scratch scratch) throws Exception {
        DaemonProcess daemon = DaemonProcess.start(scratch);
        Images.raw(scratch.storage(), 100, "vm-100-disk-0.raw");
        limit(daemon, "3");
        try (RawClient waiting = RawClient.connect(daemon.socket().resolveSibling("control.fds"))) {
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> daemon.log()
                            .contains("event=not-accepted socket="
                                    + daemon.socket().resolveSibling("control.fds")));
            limit(daemon, "1024");
            waiting.bytes(new byte[1]);
        }
        TransferProgram export = TransferProgram.exporting(scratch, "dir", "100/vm-100-disk-0.raw", "raw+size");
        assertThat(export.output().readAllBytes()).isNotEmpty();
        assertThat(export.awaitEnd()).as(export.errors()).isZero();
    }
}
