package PVE::ProcFSTools;

use v5.36;

sub parse_proc_mounts {
    open(my $fh, '<', '/proc/mounts') or die "unable to open '/proc/mounts' - $!\n";
    local $/ = "\n";
    my @mounts;
    while (defined(my $line = <$fh>)) {
        chomp($line);
        my @fields = split(/\s+/, $line);
        next if @fields < 6;
        s/\\([0-7]{3})/chr(oct($1))/eg for @fields[0 .. 3];
        push @mounts, [@fields[0 .. 3], $fields[4] + 0, $fields[5] + 0];
    }
    close($fh);
    return \@mounts;
}

1;

__END__

=head1 NAME

PVE::ProcFSTools - what is mounted

=head1 SYNOPSIS

    $cache->{mountdata} //= PVE::ProcFSTools::parse_proc_mounts();

=head1 DESCRIPTION

Part of Tenon's compat layer. Of PVE's module only this function is offered.

=head1 FUNCTIONS

=head2 parse_proc_mounts

An array of C<[device, mount point, type, options, freq, passno]>, with blanks and the like decoded.

=cut
