package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.Storage;
import java.util.List;

/** What interrupted work leaves in a thin pool. */
final class ThinExamination extends Examination {
    private final LvmThinPlugin plugin;

    ThinExamination(LvmThinPlugin plugin, Storage storage, List<Interruption> interruptions) {
        super(plugin, storage, interruptions);
        this.plugin = plugin;
    }

    @Override
    List<Finding> run() {
        String pool = Configuration.pool(storage());
        for (LogicalVolume volume : all()) {
            String name = volume.name();
            if (volume.pool().equals(pool) && name.startsWith("base-") && isImage(name) && !volume.isReadOnly()) {
                automatic(
                        Kind.BASE_WRITABLE,
                        name,
                        "base image '" + place(name) + "' can be written to, which would change its clones",
                        "protect it",
                        cause(name.replaceFirst("^base-", "vm-"), Mutation.CREATE_BASE)
                                .orElse(null),
                        () -> plugin.protect(storage(), name));
            }
        }
        return super.run();
    }
}
