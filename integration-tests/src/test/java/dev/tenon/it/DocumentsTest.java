package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/**
 * What the documents say is done as it is printed. A block of commands that is not run has a comment before it with the
 * reason.
 */
class DocumentsTest {
    private static final Pattern COMMAND = Pattern.compile("(?:bin/)?(?:tenon|verify|bench)(?: .*)?");
    private static final String NOT_RUN = "<!-- not run by DocumentsTest: ";

    /** A block of a document under a heading, its lines without their indentation. */
    private record Block(String heading, String language, List<String> lines) {
        boolean isCommands() {
            return language.isEmpty() && COMMAND.matcher(lines.getFirst()).matches();
        }

        String text() {
            return String.join("\n", lines) + "\n";
        }
    }

    /** The blocks that are to be run or compiled, in their order. */
    private static List<Block> blocks(String document) throws IOException {
        List<Block> blocks = new ArrayList<>();
        List<String> lines = Files.readAllLines(Installation.home().resolve(document));
        String heading = "";
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).startsWith("#")) {
                heading = lines.get(i);
            }
            boolean isRun = i == 0 || !lines.get(i - 1).startsWith(NOT_RUN);
            List<String> block = new ArrayList<>();
            String language = "";
            if (lines.get(i).startsWith("```")) {
                language = lines.get(i).substring(3);
                for (i++; !lines.get(i).equals("```"); i++) {
                    block.add(lines.get(i));
                }
            } else if (lines.get(i).startsWith("    ")) {
                for (; i < lines.size() && lines.get(i).startsWith("    "); i++) {
                    block.add(lines.get(i).substring(4));
                }
            }
            if (isRun && !block.isEmpty()) {
                blocks.add(new Block(heading, language, block));
            }
        }
        return blocks;
    }

    /** {@code Class#method} in the tables of what PVE's hosts do. */
    @Test
    void theTestsThatAreNamedAreThere() throws IOException {
        Matcher named = Pattern.compile("`([A-Z][A-Za-z]*)#([a-z][A-Za-z]*)`")
                .matcher(Files.readString(Installation.home().resolve("docs/COMPATIBILITY.md")));
        Map<String, Path> sources;
        try (Stream<Path> files = Files.walk(Installation.home())) {
            sources = files.filter(file ->
                            file.toString().endsWith(".java") && file.toString().contains("/src/"))
                    .collect(Collectors.toMap(
                            file -> file.getFileName().toString(), file -> file, (first, second) -> first));
        }
        int count = 0;
        for (; named.find(); count++) {
            String test = named.group();
            assertThat(sources).as(test).containsKey(named.group(1) + ".java");
            assertThat(sources.get(named.group(1) + ".java")).as(test).content().contains(" " + named.group(2) + "(");
        }
        assertThat(count).isPositive();
    }

    @Test
    void theProgramInJavaCompilesAsItIsPrinted(Scratch scratch) throws IOException {
        List<Block> programs = blocks("README.md").stream()
                .filter(block -> block.language().equals("java"))
                .toList();
        assertThat(programs).isNotEmpty();
        for (Block program : programs) {
            Path source = Files.writeString(scratch.file("Program.java"), program.text());
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            int status = ToolProvider.getSystemJavaCompiler()
                    .run(
                            null,
                            said,
                            said,
                            "-proc:none",
                            "-classpath",
                            System.getProperty("java.class.path"),
                            "-d",
                            scratch.file("classes").toString(),
                            source.toString());
            assertThat(status).as(said.toString(StandardCharsets.UTF_8)).isZero();
        }
    }

    @Test
    void theReadmesFirstStepsAreDoneAsTheyArePrinted(Scratch scratch) throws IOException, InterruptedException {
        String said = run(scratch, "README.md", """
                mkdir -p /usr/share/perl5/PVE/Storage/Custom
                sed 's/LegacyDirPlugin/NasPlugin/; s/legacydir/nas/g' "$TENON/perl-shim/examples/LegacyDirPlugin.pm" \\
                    >/usr/share/perl5/PVE/Storage/Custom/NasPlugin.pm
                """);

        assertThat(said.lines())
                .contains("fast:100/vm-100-disk-0.qcow2", "fast:101/vm-101-disk-0.qcow2")
                .anyMatch(line -> line.contains("storage type 'nas' is adopted"));
        assertThat(said).contains("NasPlugin.pm", "TenonDir.pm");
    }

    @Test
    void theTransfersOfTheOperatorsPageAreMadeAsTheyArePrinted(Scratch scratch)
            throws IOException, InterruptedException {
        String said = run(scratch, "docs/OPERATIONS.md", """
                mkdir -p /srv/nas /mnt/usb /var/lib/vz
                tenon storage add dir nas --path /srv/nas --content images,iso
                tenon storage add dir fast --path /srv/fast --content images,iso
                tenon storage activate nas
                tenon volume alloc nas --vmid 100 --size 8M
                tenon volume alloc nas --vmid 100 --size 8M --format qcow2
                tenon volume snapshot nas:100/vm-100-disk-1.qcow2 before
                echo "an installer" >/srv/nas/template/iso/debian.iso
                """);

        assertThat(said.lines())
                .contains("successfully imported 'fast:100/vm-100-disk-0.raw'")
                .contains("successfully imported 'local:iso/debian.iso'")
                .contains("fast:101/vm-101-disk-0.qcow2");
    }

    /**
     * Runs the commands of a document one after the other, on a machine that is as it was, but for what is made ready: all
     * that they make is in layers over its file systems, and goes away.
     */
    private static String run(Scratch scratch, String document, String ready) throws IOException, InterruptedException {
        assumeTrue(
                Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid")),
                "only root can lay something over a file system");
        assumeTrue(!Files.exists(Path.of("/etc/pve")), "this is a PVE host, whose storages the commands would use");
        Path programs = Files.createDirectory(scratch.file("bin"));
        program(
                programs.resolve("tenon"),
                "exec "
                        + Installation.tenonCommand(scratch.temporary()).stream()
                                .map(word -> "'" + word + "'")
                                .collect(Collectors.joining(" "))
                        + " \"$@\"");
        program(programs.resolve("ssh"), "shift; exec \"$@\"");
        program(programs.resolve("pvesm"), "exec tenon import \"$2\" \"$4\" --format \"$3\"");

        StringBuilder script = new StringBuilder("""
                mount --make-rprivate / 2>/dev/null || true
                mount -t tmpfs tmpfs "$LAYERS"
                for place in /etc /usr/share/perl5 /var/lib /srv /mnt /run; do
                    layer=$LAYERS$(echo "$place" | tr / -)
                    mkdir "$layer" "$layer-work"
                    mount -t overlay overlay -o "lowerdir=$place,upperdir=$layer,workdir=$layer-work" "$place" || exit 77
                done
                rm -rf /etc/tenon /var/lib/tenon
                daemons=()
                trap '[ ${#daemons[@]} = 0 ] || { kill "${daemons[@]}"; wait; }' EXIT
                unset TENON_SOCKET TENON_LOCK_DIR
                """);
        script.append(ready);
        String heading = "";
        for (Block block : blocks(document)) {
            if (!heading.equals(block.heading())) {
                // who reads one part has not done what another says
                script.append("rm -rf /srv/fast; mkdir /srv/fast\n");
                heading = block.heading();
            }
            if (block.isCommands()) {
                block.lines().forEach(line -> script.append(command(line)).append('\n'));
            } else if (block.language().equals("perl")) {
                Path program = Files.writeString(scratch.file("program.pl"), block.text());
                script.append("perl -I\"$TENON/perl-shim/lib\" -I\"$TENON/perl-shim/compat\" ")
                        .append(program)
                        .append('\n');
            }
        }
        Path file = Files.writeString(scratch.file("script"), script);
        ProcessBuilder builder = new ProcessBuilder(
                        "unshare", "--mount", "--propagation", "unchanged", "bash", "-euo", "pipefail", file.toString())
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true);
        builder.environment().put("PATH", programs + ":" + System.getenv("PATH"));
        builder.environment().put("TENON", Installation.home().toString());
        builder.environment()
                .put("LAYERS", Files.createDirectory(scratch.file("layers")).toString());
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        assumeTrue(status != 77, "no layer can be laid over a file system here");
        assertThat(status).as("%s%n%s", script, said).isZero();
        return said;
    }

    /** As it is printed, with the program that this build made; a daemon runs on beside the others. */
    private static String command(String line) {
        String command = line.replace("bin/tenon", "tenon");
        return command.startsWith("tenon serve")
                ? command
                        + " & daemons+=($!)\nfor i in {1..300}; do [ -S /run/tenon/control.sock ] && break; sleep 0.1; done"
                : command;
    }

    private static void program(Path file, String does) throws IOException {
        Files.writeString(file, "#!/bin/bash\n" + does + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
