package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The configuration of storages, from a shell. */
class StorageCommandTest {
    private static final String UNKNOWN = "zfs: tank\n\tpool rpool/data\n\t# odd  spacing\n\tfrobnicate   1\n\n";

    @Test
    void aStorageIsAddedChangedAndRemovedAndTheRestOfTheFileStays(Scratch scratch) {
        StorageCommands tenon = new StorageCommands(scratch);
        String before = tenon.written() + UNKNOWN;
        tenon.write(before);
        Path path = scratch.storage().resolve("fast");

        assertThat(tenon.said("storage", "add", "dir", "fast", "--path", path.toString(), "--content", "images,iso"))
                .isEmpty();
        String section = "dir: fast\n\tpath " + path + "\n\tcontent images,iso\n";
        assertThat(tenon.written()).startsWith(before).contains(section);
        assertThat(path.resolve("images")).isDirectory();
        assertThat(path.resolve("template/iso")).isDirectory();

        tenon.said("storage", "set", "fast", "--disable", "--content=iso", "--nodes", "here,there");
        assertThat(tenon.written())
                .startsWith(before)
                .contains("\tdisable\n", "\tcontent iso\n", "\tnodes here,there\n");
        tenon.said("storage", "set", "fast", "--delete", "disable,nodes", "--shared", "yes");
        assertThat(tenon.written()).contains("\tshared 1\n").doesNotContain("nodes", "here");

        tenon.said("storage", "remove", "fast");
        assertThat(tenon.written().stripTrailing()).isEqualTo(before.stripTrailing());
        assertThat(path.resolve("images")).isDirectory();
    }

    @Test
    void aStorageThatCannotBeUsedIsNotAdded(Scratch scratch) {
        StorageCommands tenon = new StorageCommands(scratch);
        String before = tenon.written();
        String path = scratch.storage().resolve("missing").toString();

        TenonCommand added = tenon.run(
                "storage", "add", "dir", "fast", "--path", path, "--create-base-path", "0", "--create-subdirs", "0");

        assertThat(added.status()).isOne();
        assertThat(added.said()).isEmpty();
        assertThat(added.errors()).startsWith("tenon: ").contains(path).hasLineCount(1);
        assertThat(tenon.written()).isEqualTo(before);
    }

    @Test
    void whatIsWrongIsRefusedWithOneSentenceAndNothingIsWritten(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        String before = tenon.written();
        String path = scratch.storage().toString();

        refused(tenon, 1, "storage ID 'fast' already defined", "storage", "add", "dir", "fast", "--path", path);
        refused(tenon, 2, "there is no storage type 'ceph'; there are ", "storage", "add", "ceph", "slow");
        refused(tenon, 1, "'path'", "storage", "add", "dir", "slow");
        refused(tenon, 2, "the property 'path' needs a value", "storage", "add", "dir", "slow", "--path");
        refused(tenon, 1, "frobnicate", "storage", "add", "dir", "slow", "--path", path, "--frobnicate", "1");
        refused(tenon, 2, "storage ID 'f' cannot be shorter", "storage", "add", "dir", "f", "--path", path);
        refused(tenon, 2, "with its TYPE and its NAME", "storage", "add", "dir");
        refused(tenon, 1, "can't change value of fixed parameter 'path'", "storage", "set", "fast", "--path", path);
        refused(tenon, 1, "unable to delete required option 'path'", "storage", "set", "fast", "--delete", "path");
        refused(
                tenon,
                1,
                "detected modified configuration",
                "storage",
                "set",
                "fast",
                "--disable",
                "--digest",
                "0123456789012345678901234567890123456789");
        refused(tenon, 2, "nothing to change", "storage", "set", "fast");
        refused(tenon, 1, "storage 'slow' does not exist", "storage", "remove", "slow");
        TenonCommand nothing = TenonCommand.run(scratch, "storage");
        assertThat(nothing.status()).isEqualTo(2);
        assertThat(nothing.errors()).startsWith("tenon: Missing required subcommand");
        assertThat(tenon.written()).isEqualTo(before);
    }

    private static void refused(StorageCommands tenon, int status, String reason, String... words) {
        TenonCommand command = tenon.run(words);
        assertThat(command.errors()).as("errors of %s", List.of(words)).contains(reason);
        assertThat(command.errors().lines().filter(line -> line.startsWith("tenon: ")))
                .hasSize(1);
        assertThat(command.said()).isEmpty();
        assertThat(command.status()).as("status of %s", List.of(words)).isEqualTo(status);
    }

    @Test
    void listsAlignAndAreWholeInJson(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");

        List<String> lines = tenon.said("storage", "list").lines().toList();
        assertThat(lines).hasSize(3).noneMatch(line -> line.contains("\u001b"));
        int path = lines.getFirst().indexOf("PATH");
        assertThat(lines.get(1)).startsWith("local").contains("no");
        assertThat(lines.get(2)).startsWith("fast ");
        assertThat(lines.get(2).substring(path)).isEqualTo(scratch.storage().toString());
        assertThat(tenon.said("storage", "list", "--names")).isEqualTo("local\nfast\n");

        Map<String, Object> fast = tenon.list("storage", "list", "fast").getFirst();
        assertThat(fast)
                .containsEntry("storage", "fast")
                .containsEntry("type", "dir")
                .containsEntry("enabled", true)
                .containsEntry("content", List.of("backup", "images", "iso"));
        String digest = String.valueOf(fast.get("digest"));
        tenon.said("storage", "set", "fast", "--disable", "--digest", digest);
        assertThat(tenon.list("storage", "list", "fast").getFirst()).containsEntry("enabled", false);
    }

    @Test
    void aStatusIsToldInBytesAndAStorageThatFailsDoesNotHideTheOthers(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        tenon.write(tenon.written() + "dir: gone\n\tpath " + scratch.file("gone") + "\n\tis_mountpoint yes\n\n");

        TenonCommand status = tenon.run("storage", "status");
        assertThat(status.status()).isZero();
        assertThat(status.errors())
                .startsWith("tenon: storage 'gone' is inactive: ")
                .hasLineCount(1);
        assertThat(status.said().lines().map(line -> line.split(" +", -1)[0]))
                .containsExactly("NAME", "local", "fast", "gone");
        assertThat(status.said()).containsPattern("fast +dir +active +[0-9.]+ [KMGTP]iB ");

        Map<String, Object> fast = tenon.list("storage", "status", "fast").getFirst();
        assertThat(fast).containsEntry("status", "active").containsEntry("problem", null);
        assertThat(fast).containsEntry("total", scratch.storage().toFile().getTotalSpace());
    }

    @Test
    void aFileWithAFaultIsReadAndNotChanged(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        String broken = tenon.written() + "this is no section\n\n";
        tenon.write(broken);

        TenonCommand listed = tenon.run("storage", "list");
        assertThat(listed.status()).isZero();
        assertThat(listed.said()).contains("fast");
        assertThat(listed.errors()).contains("storage.cfg line 10: ").hasLineCount(1);
        TenonCommand changed = tenon.run("storage", "set", "fast", "--disable");
        assertThat(changed.status()).isOne();
        assertThat(changed.errors()).contains("line 10");
        assertThat(tenon.written()).isEqualTo(broken);
    }

    @Test
    void theHelpOfAddListsThePropertiesOfTheType(Scratch scratch) {
        StorageCommands tenon = new StorageCommands(scratch).with(Installation.legacyDirPlugin());

        assertThat(tenon.said("storage", "add", "dir", "--help"))
                .contains("--path VALUE (required) (fixed once it is added)", "--is_mountpoint", "Example: ");
        assertThat(tenon.said("storage", "add", "--help", "legacydir"))
                .contains("--legacydir-quiet [0|1]", "Do not print what is done.");
        assertThat(tenon.said("storage", "add", "cifs", "--help")).contains("--password [VALUE]");
    }

    @Test
    void aSecretComesFromStandardInputAndIsNeverShown(Scratch scratch) throws IOException {
        StorageCommands tenon = new StorageCommands(scratch).with(Installation.plugin("SecretivePlugin.pm"));
        Path secret = Files.writeString(scratch.file("secret"), "s3cr3t\n");
        String before = tenon.written();
        String[] words = tenon.all(
                "storage",
                "add",
                "secretive",
                "safe",
                "--path",
                scratch.storage().toString(),
                "--content",
                "images",
                "--secretive-key");

        TenonCommand without = TenonCommand.run(scratch, words);
        assertThat(without.status()).isEqualTo(2);
        assertThat(without.errors()).contains("the property 'secretive-key' got no value");
        assertThat(tenon.written()).isEqualTo(before);

        TenonCommand added = TenonCommand.runProcess(scratch, secret.toFile(), words);
        assertThat(added.said() + added.errors()).isEmpty();
        assertThat(added.status()).isZero();
        assertThat(scratch.storage().resolve("key")).hasContent("s3cr3t");
        assertThat(tenon.written()).contains("secretive: safe\n").doesNotContain("s3cr3t", "secretive-key");
    }

    @Test
    void aPerlPluginIsAStorageLikeOthers(Scratch scratch) {
        StorageCommands tenon = new StorageCommands(scratch).with(Installation.legacyDirPlugin());
        tenon.said(
                "storage",
                "add",
                "legacydir",
                "old",
                "--path",
                scratch.storage().toString(),
                "--content",
                "images",
                "--legacydir-quiet");
        assertThat(tenon.written()).contains("legacydir: old\n", "\tlegacydir-quiet 1\n");

        assertThat(tenon.list("storage", "status", "old").getFirst()).containsEntry("status", "active");
        String volume = tenon.line("volume", "alloc", "old", "--vmid", "100", "--size", "8M", "--format", "qcow2");
        assertThat(volume).isEqualTo("old:100/vm-100-disk-0.qcow2");
        assertThat(tenon.said("volume", "list", "old", "--names")).isEqualTo(volume + "\n");
        tenon.said("volume", "resize", volume, "16M");
        assertThat(tenon.object("volume", "info", volume)).containsEntry("size", 16 << 20);
        tenon.said("volume", "free", volume);
        assertThat(tenon.said("volume", "list", "old", "--names")).isEmpty();

        StorageCommands without = StorageCommands.withDirectory(scratch, "fast");
        without.write(without.written() + "legacydir: old\n\tpath " + scratch.storage() + "\n\n");
        TenonCommand listed = without.run("volume", "list", "old");
        assertThat(listed.status()).isOne();
        assertThat(listed.errors()).contains("legacydir");
    }

    @Test
    void optionsThatManyCommandsHaveMayStandBeforeTheCommand(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        String[] behind = tenon.all("storage", "list", "--json");
        String[] before = Stream.of(List.of("--json"), tenon.options(), List.of("storage", "list"))
                .flatMap(List::stream)
                .toArray(String[]::new);

        assertThat(TenonCommand.run(scratch, before)).isEqualTo(TenonCommand.run(scratch, behind));
        assertThat(TenonCommand.run(scratch, before).said()).contains("\"fast\"");
    }
}
