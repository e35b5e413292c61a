package dev.tenon.tck;

/** The contract as {@link Kit} has it checked. Each test has a subject of its own. */
final class CheckedContract extends StoragePluginContract {
    private final Subject subject;

    CheckedContract() {
        subject = Kit.SUBJECTS.get().get();
    }

    @Override
    public Subject subject() {
        return subject;
    }
}
