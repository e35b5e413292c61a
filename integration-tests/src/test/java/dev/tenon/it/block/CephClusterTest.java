package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.MiniCeph;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The cluster in which storages of type rbd are tested: that it ends, and which directory is taken for one. */
class CephClusterTest {
    private static final int NO_CEPH = 2;

    private record Ended(int status, String said) {}

    private static Ended ceph(String action, Path place) throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(Installation.home() + "/bin/ceph", action).redirectErrorStream(true);
        builder.environment().put("TENON_CEPH", place.toString());
        Process process = builder.start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), said);
    }

    @Test
    void oneThatIsHeldEndsWhenItsHolderIsToldTo(Scratch scratch) throws InterruptedException {
        MiniCeph ceph = MiniCeph.start(scratch);
        List<Long> daemons = List.of(ceph.pid("mon"), ceph.pid("mgr"), ceph.pid("osd"));
        Process holder = ceph.holder();
        holder.destroy();
        assertThat(holder.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(holder.exitValue()).isEqualTo(143);
        assertThat(ceph.configuration().getParent()).doesNotExist();
        assertThat(daemons)
                .allSatisfy(pid -> assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive))
                        .isEmpty());
    }

    /** After the machine was started anew, for example. */
    @Test
    void oneWhoseProcessesAreGoneIsNone(Scratch scratch) throws Exception {
        Path place = Files.createDirectory(scratch.file("cluster"));
        Files.writeString(place.resolve("ceph.conf"), "run_dir = " + place + "/run\n");
        Files.createFile(place.resolve("started"));
        for (String daemon : List.of("mon", "mgr", "osd")) {
            // Not of Ceph, and there.
            Files.writeString(
                    place.resolve(daemon + ".pid"), ProcessHandle.current().pid() + "\n");
        }
        Ended env = ceph("env", place);
        assumeTrue(env.status() != NO_CEPH, env.said());
        assertThat(env.said()).isEqualTo("tenon: there is no cluster; start one with: bin/ceph start\n");
        assertThat(env.status()).isOne();
        assertThat(ceph("stop", place)).isEqualTo(new Ended(0, ""));
        assertThat(place).doesNotExist();
    }

    /** In a directory where everybody may write, another may have taken the name. */
    @Test
    void whatAnotherMayHavePutThereIsRefused(Scratch scratch) throws Exception {
        Path others = Files.createDirectory(scratch.file("others"));
        Files.writeString(others.resolve("ceph.conf"), "run_dir = " + scratch.file("cluster") + "/run\n");
        Path place = Files.createSymbolicLink(scratch.file("cluster"), others);
        Ended refused = ceph("stop", place);
        assertThat(refused.said())
                .isEqualTo("tenon: bin/ceph: '" + place + "' is a link or belongs to somebody else; remove it, or name"
                        + " another place in TENON_CEPH\n");
        assertThat(refused.status()).isOne();
        assertThat(others.resolve("ceph.conf")).exists();

        assumeTrue(
                Integer.valueOf(0).equals(Files.getAttribute(others, "unix:uid")),
                "only root can give a directory away");
        Files.delete(place);
        Files.move(others, place);
        Files.setAttribute(place, "unix:uid", 65_534);
        assertThat(ceph("stop", place)).isEqualTo(refused);
        assertThat(place.resolve("ceph.conf")).exists();
    }
}
