package Tenon::Backup::BitmapIds;

use v5.36;

use constant DEFAULT_DIRECTORY => '/var/lib/tenon/bitmaps';

sub new ($class, $storeid) {
    my ($directory) = ($ENV{TENON_BITMAP_DIR} // DEFAULT_DIRECTORY) =~ m/\A(.+)\z/s;
    my ($name) = $storeid =~ m/\A([A-Za-z0-9._-]+)\z/ or die "no storage has the id '$storeid'\n";
    return bless { directory => $directory, storeid => $name }, $class;
}

sub _file ($self, $vmid) {
    my ($number) = $vmid =~ m/\A([0-9]+)\z/ or die "no guest has the number '$vmid'\n";
    return "$self->{directory}/$self->{storeid}/$number";
}

# A file that cannot be read tells of no backup, so that the next one is whole.
sub of ($self, $vmid) {
    open(my $in, '<', $self->_file($vmid)) or return {};
    my %ids;
    while (defined(my $line = <$in>)) {
        my ($device, $id) = $line =~ m/\A(\S+) (.+)\n\z/ or next;
        $ids{$device} = $id;
    }
    close($in);
    return \%ids;
}

sub set ($self, $vmid, $ids) {
    my $file = $self->_file($vmid);
    my %sound = map { $_ => $ids->{$_} } grep { $ids->{$_} !~ m/\n/ } keys $ids->%*;
    if (!%sound) {
        unlink($file) or !-e $file or die "the bitmap ids '$file' cannot be removed: $!\n";
        return;
    }
    my $good = eval {
        for my $directory ($self->{directory}, "$self->{directory}/$self->{storeid}") {
            mkdir($directory, 0700) or -d $directory or die "$directory: $!\n";
        }
        open(my $out, '>', "$file.new") or die "$file.new: $!\n";
        print {$out} map { "$_ $sound{$_}\n" } sort keys %sound or die "$file.new: $!\n";
        close($out) or die "$file.new: $!\n";
        rename("$file.new", $file) or die "$file: $!\n";
    };
    return if $good;
    my $err = $@;

    # Without them the next backup is whole, and slower.
    unlink($file);
    warn "the next backup of guest $vmid will be a full one: its bitmap ids are lost: $err";
    return;
}

# A storage of the same name that is added later has other backups.
sub forget ($self) {
    my $directory = "$self->{directory}/$self->{storeid}";
    opendir(my $dir, $directory) or return;
    my @numbers = map { m/\A([0-9]+)\z/ } readdir($dir);
    closedir($dir);
    for my $file (map { "$directory/$_" } @numbers) {
        unlink($file) or warn "the bitmap ids '$file' are left: $!\n";
    }
    rmdir($directory);
    return;
}

1;

__END__

=head1 NAME

Tenon::Backup::BitmapIds - which bitmaps of the draft the last backups were made with

=head1 DESCRIPTION

A provider of the draft gives an id for a guest's bitmap, and the host of the draft kept a bitmap of that name. Hosts of today
have one bitmap for each disk and storage, so the id of the last committed backup is kept here, in a file for each storage and
guest below F</var/lib/tenon/bitmaps>, or below C<$ENV{TENON_BITMAP_DIR}>.

=head1 METHODS

=head2 new

    my $ids = Tenon::Backup::BitmapIds->new($storeid);

=head2 of

    my $ids = $ids->of($vmid);

A hash reference of device to id; empty if nothing is known.

=head2 set

    $ids->set($vmid, \%ids);

=head2 forget

    $ids->forget;

Removes those of all guests: the storage is removed. What cannot be removed is left with a warning.

=cut
