{{ exclusion_rows() }}
