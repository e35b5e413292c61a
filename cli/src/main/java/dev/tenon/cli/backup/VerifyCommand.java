package dev.tenon.cli.backup;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Repairer;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.SnapshotId;
import dev.tenon.core.backup.repository.Verifier;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Reads and checks a repository. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        description = "Reads and checks every chunk of a repository, or a part of them, and names what is damaged and"
                + " the snapshots that it hurts. The exit status is 1 then. It is noted, so that the next backup that has the"
                + " data stores them again. Nothing else is changed without --repair.",
        footer = {
            "",
            "Example: tenon backup verify keep",
            "Example: tenon backup verify /srv/backups --sample 5",
            "Example: tenon backup verify keep --repair"
        })
final class VerifyCommand extends RepositoryCommand {
    @Option(
            names = "--sample",
            paramLabel = "PERCENT",
            description = "read only so many of the chunks, by chance (default: all). That all are there is always"
                    + " checked")
    private double percent = 100;

    @Option(
            names = "--repair",
            description = "before that, repair packs by their parity as far as that is enough; see 'tenon backup init"
                    + " --parity'")
    private boolean isRepairing;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return !isRepairing;
    }

    @Override
    protected void run(Repository repository) throws IOException {
        if (!(percent > 0 && percent <= 100)) {
            throw wrongUsage("--sample " + percent + " is not above 0 and at most 100");
        }
        Repairer.Repaired repaired =
                isRepairing ? repository.repair() : new Repairer.Repaired(List.of(), List.of(), new TreeMap<>());
        Verifier.Verified verified = repository.verify(percent);
        if (json.isGiven()) {
            Map<String, String> hurt = new LinkedHashMap<>();
            verified.snapshots().forEach((id, reason) -> hurt.put(id.toString(), reason));
            Json.print(
                    out(),
                    Json.object(
                            "sound",
                            verified.isSound(),
                            "chunks",
                            verified.chunks(),
                            "indexes",
                            verified.indexes(),
                            "packs",
                            verified.packs(),
                            "without-parity",
                            verified.parities(),
                            "snapshots",
                            hurt,
                            "repaired",
                            repaired.repaired(),
                            "parities",
                            repaired.parities(),
                            "lost",
                            repaired.lost()));
        } else {
            repaired.repaired().forEach(pack -> out().println("pack '" + pack + "' is repaired"));
            repaired.parities().forEach(pack -> out().println("pack '" + pack + "' has parity again"));
            repaired.lost().forEach((pack, reason) -> out().println("pack '" + pack + "' is not repaired: " + reason));
            print(verified);
        }
        out().flush();
        if (!verified.isSound()) {
            throw new StorageException(StorageError.BAD_RESULT, Outcome.FAILED_CLEAN, advice(verified));
        }
    }

    private void print(Verifier.Verified verified) {
        out().printf("%d chunks were read%n", verified.chunks());
        if (verified.isSound()) {
            return;
        }
        Table table = new Table().text("DAMAGED").text("NAME").text("REASON");
        verified.indexes().forEach((name, reason) -> table.row("index", name, reason));
        verified.packs().forEach((name, reason) -> table.row("pack", name, reason));
        verified.parities().forEach((name, reason) -> table.row("parity", name, reason));
        for (Map.Entry<SnapshotId, String> snapshot : verified.snapshots().entrySet()) {
            table.row("snapshot", snapshot.getKey().toString(), snapshot.getValue());
        }
        table.print(out(), terminal());
    }

    private static String advice(Verifier.Verified verified) {
        if (verified.packs().isEmpty() && verified.snapshots().isEmpty()) {
            if (!verified.parities().isEmpty()) {
                return "no backup is damaged, but packs have no parity by which they could be repaired; --repair makes it";
            }
            return "only the index is damaged; the next backup makes it anew";
        }
        int hurt = verified.snapshots().size();
        return verified.packs().size() + " packs are damaged, and " + hurt + " snapshots cannot be restored whole; "
                + (hurt == 0
                        ? "no snapshot needs what is damaged"
                        : "the next backups of their guests store what is damaged again, if the guests still have it");
    }
}
